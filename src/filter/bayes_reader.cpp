// The tokens of a mail: words of its text, URIs, hidden text, parts and fields, each hashed once.
#include <unordered_map>
#include <unordered_set>

#include "ringpost/crypto/hash.hpp"
#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/parts.hpp"

#include "bayes_header.hpp"
#include "bayes_words.hpp"
#include "characters.hpp"

namespace ringpost::filter {

namespace {

BayesToken token_of(const crypto::Sha1Digest& digest) {
  BayesToken token = 0;
  for (std::size_t at = digest.size() - 5; at < digest.size(); ++at)
    token = token << 8U | std::to_integer<BayesToken>(digest[at]);
  return token;
}

}  // namespace

struct BayesReader::Impl {
  Impl(const MessageView& view, const BayesSettings& from, bool keeps)
      : message(view),
        settings(from),
        keeps_texts(keeps),
        words(from, view.scratch(),
              [this](std::string_view prefix, std::string_view word) { add(prefix, word); }) {}

  enum class Source : unsigned char { visible, uris, invisible, parts, header, done };

  void add(std::string_view prefix, std::string_view word) {
    ++taken;
    text.assign(prefix).append(word);
    if (text.empty() || !seen.insert(std::hash<std::string>{}(text)).second) return;
    const BayesToken token = token_of(sha1.of(text));
    tokens.push_back(token);
    if (keeps_texts) texts.try_emplace(token, text);
  }

  // Lines from `next` on, until a step's worth was read or the source gave enough.
  void read_lines(std::span<const std::string> lines, std::string_view prefix, BayesRegion region,
                  std::size_t words_max) {
    for (std::size_t bytes = 0; next < lines.size() && taken < words_max; ++next) {
      if (bytes >= kStepBytes) return;
      words.split(lines[next], prefix, region);
      bytes += lines[next].size();
    }
    begin(static_cast<Source>(static_cast<unsigned char>(source) + 1));
  }
  void begin(Source following) {
    source = following;
    next = 0;
    taken = 0;
  }

  void read_parts() {
    for (const MimePart& part : message.parts().parts)
      if (part.leaf && taken < kBayesHeaderWordsMax)
        add("MIME:", part_name(crypto::to_hex(sha1.of(part.decoded())) + ":" + part.type));
    begin(Source::header);
  }
  // Parts that many mails have are named so that a reader knows them.
  static std::string part_name(std::string name) {
    constexpr std::pair<std::string_view, std::string_view> kTexts[] = {
        {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "Empty"},
        {"adc83b19e793491b1c6ea0fd8b46cd9f32e592fc", "OneNL"},
        {"71853c6197a6a7f222db0f1978c7cb232b87c5ee", "TwoNL"}};
    for (const auto& [digest, short_name] : kTexts) {
      if (!name.starts_with(digest)) continue;
      const std::string_view type = std::string_view(name).substr(digest.size() + 1);
      if (type == "text/plain") return std::string(short_name) + "-Plaintext";
      if (type == "text/html") return std::string(short_name) + "-HTML";
      if (type == "text/xml" && short_name == "Empty") return "Empty-XML";
    }
    return name;
  }

  void read_header() {
    if (next == 0) fields = bayes_fields(message, settings);
    for (std::size_t bytes = 0; next < fields.size() && taken < kBayesHeaderWordsMax; ++next) {
      if (bytes >= kStepBytes) return;
      words.split(fields[next].second, "H" + fields[next].first + ":", BayesRegion::header);
      bytes += fields[next].second.size();
    }
    begin(Source::done);
  }

  bool advance() {
    switch (source) {
      case Source::visible:
        read_lines(settings.reads_visible ? message.visible_body() : std::span<const std::string>{}, "",
                   BayesRegion::text, kBayesTextWordsMax);
        return true;
      case Source::uris:
        read_lines(settings.reads_uris ? message.uris() : std::span<const std::string>{}, "",
                   BayesRegion::uri, kBayesHeaderWordsMax);
        return true;
      case Source::invisible:
        read_lines(settings.reads_invisible ? message.invisible_body() : std::span<const std::string>{},
                   "I*:", BayesRegion::text, kBayesTextWordsMax);
        return true;
      case Source::parts:
        settings.reads_parts ? read_parts() : begin(Source::header);
        return true;
      case Source::header:
        settings.reads_header ? read_header() : begin(Source::done);
        return source != Source::done;
      case Source::done:
        return false;
    }
    return false;
  }

  const MessageView& message;
  const BayesSettings& settings;
  bool keeps_texts;
  crypto::Sha1 sha1;
  BayesWords words;
  Source source = Source::visible;
  std::size_t next = 0;
  std::size_t taken = 0;  // words of this source
  BayesFields fields;
  std::string text;
  std::unordered_set<std::size_t> seen;
  std::vector<BayesToken> tokens;
  std::unordered_map<BayesToken, std::string> texts;
};

BayesReader::BayesReader(const MessageView& message, const BayesSettings& settings, bool keeps_texts)
    : impl_(std::make_unique<Impl>(message, settings, keeps_texts)) {}
BayesReader::~BayesReader() = default;

bool BayesReader::advance() {
  return impl_->advance();
}
std::span<const BayesToken> BayesReader::tokens() const {
  return impl_->tokens;
}
std::string_view BayesReader::text(BayesToken token) const {
  const auto found = impl_->texts.find(token);
  return found == impl_->texts.end() ? std::string_view{} : std::string_view(found->second);
}

std::array<std::byte, 20> learning_id(const MessageView& message) {
  const auto first = [&](std::string_view name) {
    const auto values = message.header_values(name);
    return values.empty() ? std::string() : values.front();
  };
  crypto::Sha1 sha1;
  std::string text = first("To") + '\0' + first("Date") + '\0';
  text += crypto::to_hex(sha1.of(message.body_block()));
  return sha1.of(text);
}

}  // namespace ringpost::filter
