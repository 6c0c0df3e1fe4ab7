#include "stock.hpp"

#include <algorithm>
#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/scan/crc32c.hpp"
#include "ringpost/scan/find.hpp"

#include "limits.hpp"
#include "message_fields.hpp"
#include "process.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::string_view kTailStart = "id ";
constexpr std::size_t kTailSize = kTailStart.size() + kIdSize + 2;
constexpr std::size_t kLineSize = 76;  // of generated text, without CRLF

// Appends our fields, each with room for what each message writes there.
class FrontWriter {
 public:
  explicit FrontWriter(Sample& sample) : sample_(sample) {}
  FrontWriter& text(std::string_view text) {
    sample_.front += text;
    return *this;
  }
  FrontWriter& id() {
    sample_.id_slots.push_back(slot(kIdSize));
    return *this;
  }
  void fields(std::string_view subject) {
    text("Message-ID: <")
        .id()
        .text("@loadgen.invalid>\r\nSubject: [")
        .id()
        .text("]")
        .text(subject)
        .text("\r\n");
    text(kIdField).text(": ").id().text("\r\n").text(kSentField).text(": ");
    sample_.sent_slot = slot(kNanosecondsSize);
    text("\r\n").text(kChecksumField).text(": ");
    sample_.checksum_slot = slot(kChecksumSize);
    text("\r\n");
  }

 private:
  std::uint32_t slot(std::size_t size) {
    const auto offset = static_cast<std::uint32_t>(sample_.front.size());
    sample_.front.append(size, '0');
    return offset;
  }
  Sample& sample_;
};

std::string dot_stuffed(std::string_view text) {
  if (!text.starts_with('.') && !text.contains("\r\n.")) return {};
  std::string stuffed;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && c == '.') stuffed += '.';
    stuffed += c;
    line_start = c == '\n';
  }
  return stuffed;
}

// What the text says is known only when it is complete.
void seal(Sample& sample, std::size_t body_offset) {
  const std::string_view text = sample.text;
  sample.body_crc = scan::crc32c(scan::as_bytes(text.substr(body_offset)));
  sample.stuffed = dot_stuffed(text);
  sample.eight_bit = std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

// Letters and blanks, five bits of chance each.
class Letters {
 public:
  explicit Letters(std::mt19937_64& random) : random_(random) {}
  char next(bool blank_allowed) {
    if (left_ == 0) {
      bits_ = random_();
      left_ = 12;
    }
    const auto letter = bits_ % 32;
    bits_ >>= 5U;
    --left_;
    return letter < 26 || !blank_allowed ? static_cast<char>('a' + letter % 26) : ' ';
  }

 private:
  std::mt19937_64& random_;
  std::uint64_t bits_ = 0;
  unsigned left_ = 0;
};

// So many bytes in lines of words; the last line is as short as it must be.
std::string random_text(std::size_t size, std::mt19937_64& random, bool with_dot) {
  Letters letters(random);
  std::string text;
  text.reserve(size);
  while (size - text.size() >= 2) {
    // What is left over must not be too short for a line of its own.
    const std::size_t rest = size - text.size();
    const std::size_t line = rest <= kLineSize + 4 ? rest : kLineSize + 2;
    for (std::size_t i = 0; i + 2 < line; ++i) text += letters.next(i != 0);
    text += "\r\n";
  }
  // A line that begins with a dot, so that stuffing is tested as well.
  if (with_dot && text.size() > 2 * kLineSize + 4) text[kLineSize + 2] = '.';
  return text;
}

Sample generated(const StockOptions& options, std::mt19937_64& random, bool with_dot) {
  Sample sample;
  FrontWriter front(sample);
  front.text(fmt::format("Date: {}\r\nFrom: <{}>\r\nTo: {}\r\n", mail::format_date(options.now), options.from,
                         options.to));
  front.fields(" load test");
  front.text("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
  sample.has_tail = true;
  const std::size_t fixed = sample.front.size() + kTailSize;
  if (options.size.count > fixed)
    sample.text = random_text(static_cast<std::size_t>(options.size.count) - fixed, random, with_dot);
  seal(sample, 0);
  return sample;
}

// Every way to end a line becomes CRLF, and the last line has its end.
std::string with_crlf(std::string_view mail) {
  std::string text;
  text.reserve(mail.size() + mail.size() / 32 + 2);
  for (std::size_t i = 0; i < mail.size(); ++i) {
    if (mail[i] == '\r' && i + 1 < mail.size() && mail[i + 1] == '\n') continue;
    if (mail[i] == '\r' || mail[i] == '\n')
      text += "\r\n";
    else
      text += mail[i];
  }
  if (!text.ends_with("\r\n")) text += "\r\n";
  return text;
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find("\r\n") + 2);
  text.remove_prefix(line.size());
  return line;
}

// One field with its continuation lines.
std::string_view take_field(std::string_view& text) {
  const std::string_view from = text;
  std::size_t size = take_line(text).size();
  while (text.starts_with(' ') || text.starts_with('\t')) size += take_line(text).size();
  return from.substr(0, size);
}

bool is_field(std::string_view field, std::string_view name) {
  return field.size() > name.size() && field[name.size()] == ':' &&
         mail::equal_ignoring_case(field.substr(0, name.size()), name);
}

}  // namespace

std::size_t Sample::tail_size() const {
  return has_tail ? kTailSize : 0;
}

void OwnParts::fill(const Sample& sample, const LoadId& id, WallTime sent) {
  std::array<char, kIdSize> id_text;
  write_id(id, id_text);
  tail.clear();
  if (sample.has_tail) tail.append(kTailStart).append(id_text.data(), kIdSize).append("\r\n");
  checksum = scan::crc32c(scan::as_bytes(tail), sample.body_crc);
  front = sample.front;
  for (const std::uint32_t slot : sample.id_slots) std::ranges::copy(id_text, front.begin() + slot);
  const std::span<char> all(front);
  write_decimal(static_cast<std::uint64_t>(sent.nanoseconds),
                all.subspan(sample.sent_slot, kNanosecondsSize));
  write_checksum(checksum, all.subspan(sample.checksum_slot).first<kChecksumSize>());
}

std::vector<Sample> generate_stock(const StockOptions& options) {
  std::mt19937_64 random(options.seed);
  const std::uint64_t fitting = kBodiesBytesMax.count / std::max<std::uint64_t>(options.size.count, 1);
  const auto count = std::clamp<std::uint64_t>(fitting, 1, kBodiesMax);
  std::vector<Sample> stock;
  for (std::uint64_t i = 0; i < count; ++i) stock.push_back(generated(options, random, i == 0));
  return stock;
}

Sample sample_of_mail(std::string_view mail, const StockOptions& options) {
  const std::string whole = with_crlf(mail);
  std::string_view rest = whole;
  if (rest.starts_with("From ")) take_line(rest);
  Sample sample;
  std::string header;
  std::string_view subject = " \r\n";
  bool has_date = false;
  bool has_from = false;
  while (!rest.empty() && !rest.starts_with("\r\n")) {
    const std::string_view field = take_field(rest);
    // What has no colon is no field: the body begins without its empty line.
    if (field.find(':') == std::string_view::npos) {
      rest = {field.data(), field.size() + rest.size()};
      break;
    }
    if (is_field(field, "Subject")) {
      subject = field.substr(std::string_view("Subject:").size());
    } else if (!is_field(field, "Message-ID") && !field.starts_with("X-Loadgen-")) {
      header += field;
      has_date = has_date || is_field(field, "Date");
      has_from = has_from || is_field(field, "From");
    }
  }
  if (rest.starts_with("\r\n")) take_line(rest);
  FrontWriter(sample).fields(subject.substr(0, subject.size() - 2));
  if (!has_date) sample.front += fmt::format("Date: {}\r\n", mail::format_date(options.now));
  if (!has_from) sample.front += fmt::format("From: <{}>\r\n", options.from);
  sample.text = header + "\r\n";
  const std::size_t body_offset = sample.text.size();
  sample.text += rest;
  seal(sample, body_offset);
  return sample;
}

Result<std::vector<Sample>> read_corpus(const std::string& folder, const StockOptions& options) {
  std::error_code error;
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file(error)) paths.push_back(at->path().string());
  if (error) return fail_system(error.value(), "read folder " + folder);
  if (paths.empty()) return fail(ErrorKind::permanent, folder + " has no files");
  if (paths.size() > kCorpusFilesMax) return fail(ErrorKind::permanent, folder + " has too many files");
  std::ranges::sort(paths);
  std::vector<Sample> stock;
  std::uint64_t bytes = 0;
  for (const std::string& path : paths) {
    const std::string mail = RP_TRY(read_file(path, static_cast<std::size_t>(kMessageSizeMax.count)));
    stock.push_back(sample_of_mail(mail, options));
    bytes += stock.back().size();
    if (bytes > kCorpusBytesMax.count) return fail(ErrorKind::exhausted, folder + " is too large for memory");
  }
  return stock;
}

}  // namespace ringpost::loadgen
