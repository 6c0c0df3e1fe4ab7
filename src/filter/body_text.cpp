#include "body_text.hpp"

#include <algorithm>

#include "ringpost/filter/view_limits.hpp"
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"
#include "decoded_text.hpp"
#include "html_renderer.hpp"

namespace ringpost::filter {

namespace {

bool has_wide_character(std::string_view utf8) {
  // From U+0100 on the first byte is 0xC4 or more.
  return std::ranges::any_of(utf8, [](char c) { return static_cast<unsigned char>(c) >= 0xC4; });
}

// Blanks as the text's own regular expressions would find them.
std::size_t blank_at(const WideText& text, std::size_t at) {
  if (text.wide) return blank_size_at(text.text, at);
  return is_space(text.text[at]) ? 1 : 0;
}

std::size_t count_blanks(const WideText& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.text.size();) {
    const std::size_t size = blank_at(text, at);
    count += size > 0 ? 1U : 0U;
    at += std::max<std::size_t>(size, 1);
  }
  return count;
}

// Texts that rules match, in their bytes.
void put_in_rule_bytes(HtmlFacts& facts) {
  for (auto* list : {&facts.anchors, &facts.titles, &facts.scripts, &facts.comments})
    for (std::string& text : *list)
      if (!has_wide_character(text)) text = in_rule_bytes(text, false);
}

RenderedPart render_html(DecodedText source, std::size_t source_size) {
  RenderedHtml html = HtmlRenderer::render(source.text, source.wide);
  const auto widened = [&](std::string text) {
    const bool wide = source.wide || has_wide_character(text);
    return WideText{std::move(text), wide};
  };
  RenderedPart part;
  part.wide_source = source.wide;
  part.all = widened(std::move(html.text));
  part.visible = widened(std::move(html.visible));
  part.invisible = widened(std::move(html.invisible));
  part.html = std::move(html.facts);
  if (!source.wide) put_in_rule_bytes(*part.html);
  part.html->html_length = mail::count_characters(part.all.text);
  part.html->non_space_length = part.html->html_length - count_blanks(part.all);
  part.html->ratio = (static_cast<double>(source_size) - static_cast<double>(part.html->html_length)) /
                     static_cast<double>(source_size);
  return part;
}

}  // namespace

std::optional<RenderedPart> render_part(const MimePart& part) {
  const std::string_view type = part.effective_type();
  if (type != "text/plain" && type != "text/html") return std::nullopt;
  const std::string& bytes = part.decoded();
  DecodedText source = decode_text(bytes, part.charset.value_or("us-ascii"), Trust::verify);
  if (type == "text/html" && !bytes.empty()) return render_html(std::move(source), bytes.size());
  RenderedPart plain;
  plain.wide_source = source.wide;
  plain.all = {source.text, source.wide};
  plain.visible = {std::move(source.text), source.wide};
  if (type == "text/html") plain.html.emplace();
  return plain;
}

std::string in_rule_bytes(const std::string& text, bool wide) {
  if (wide || !mail::has_eight_bit(text)) return text;
  return mail::utf8_to_latin1(text).value_or(text);
}

namespace {

// The byte at which the character number `count` begins.
std::size_t character_offset(std::string_view text, std::size_t count) {
  if (text.size() <= count) return text.size();
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
    if (begins && count-- == 0) break;
  }
  return at;
}

// Cut behind the first of the marks that follows soon enough, or in the middle of a word.
std::string_view cut_text(std::string_view text, std::size_t at, std::string_view marks) {
  if (at >= text.size()) return text;
  for (const char mark : marks) {
    const std::size_t found = text.find(mark, at);
    if (found != kNowhere && found - at <= kTextCutSlackMax) return text.substr(0, found + 1);
  }
  return text.substr(0, at);
}

// Of a run of ASCII without blanks.
std::size_t plain_size_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && text[end] > ' ') ++end;
  return end - at;
}

// A run of blanks with two line ends in it parts paragraphs; any other is one space.
std::string in_paragraphs(const WideText& text) {
  std::string out;
  out.reserve(text.text.size());
  for (std::size_t at = 0; at < text.text.size();) {
    std::size_t size = blank_at(text, at);
    if (size == 0) {
      const std::size_t plain = plain_size_at(text.text, at);
      out.append(text.text, at, plain);
      at += plain;
      if (plain == 0) out += text.text[at++] == '\0' ? '\n' : text.text[at - 1];
      continue;
    }
    const std::size_t begin = at;
    std::size_t first = kNowhere;
    std::size_t last = kNowhere;
    for (; size > 0; size = at < text.text.size() ? blank_at(text, at) : 0) {
      if (text.text[at] == '\n') {
        last = at;
        if (first == kNowhere) first = at;
      }
      at += size;
    }
    if (first == last) {
      out += ' ';
    } else {
      if (first > begin) out += ' ';
      out += '\n';
      if (at > last + 1) out += ' ';
    }
  }
  return out;
}

void append_short_lines(std::string_view text, std::vector<std::string>& lines) {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    while (line.size() > kTextLineSizeMax) {
      const std::size_t space = line.rfind(' ', kTextLineSizeMax);
      const std::size_t size = space == kNowhere ? kTextLineSizeMax : space + 1;
      lines.emplace_back(line.substr(0, size));
      line.remove_prefix(size);
    }
    lines.emplace_back(line);
  }
}

}  // namespace

std::vector<std::string> body_lines(std::string_view subject, const std::vector<const WideText*>& texts) {
  WideText all;
  for (const WideText* one : texts) {
    if (!all.text.empty()) all.text += '\n';
    if (one == nullptr) continue;
    all.text += cut_text(one->text, character_offset(one->text, kBodyPartSizeMax), "\n ");
    all.wide |= one->wide;
  }
  std::vector<std::string> lines;
  append_short_lines(std::string(subject) + in_rule_bytes(in_paragraphs(all), all.wide), lines);
  return lines;
}

namespace {

// The end of the chunk of 2 to 4 KiB that begins at `begin`, behind the best place to cut.
std::size_t chunk_end(std::string_view text, std::size_t begin) {
  const std::string_view most = text.substr(0, begin + 2 * kTextLineSizeMax);
  for (const char mark : {'\n', '>', ' '})
    if (const std::size_t found = most.find(mark, begin + kTextLineSizeMax); found != kNowhere)
      return found + 1;
  return begin + kTextLineSizeMax + 1;
}

}  // namespace

void append_raw_chunks(std::string_view text, std::vector<std::string>& chunks) {
  text = cut_text(text, std::min(kRawBodyPartSizeMax, text.size()), "\n> ");
  if (text.size() <= kTextLineSizeMax) {
    chunks.emplace_back(text);
    return;
  }
  std::size_t begin = 0;
  while (text.size() - begin > 2 * kTextLineSizeMax) {
    const std::size_t end = chunk_end(text, begin);
    chunks.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  if (begin < text.size()) chunks.emplace_back(text.substr(begin));
}

}  // namespace ringpost::filter
