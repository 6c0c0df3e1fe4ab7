#include "mime_fields.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/charset.hpp"
#include "ringpost/mail/limits.hpp"

#include "address_list.hpp"
#include "ascii.hpp"

namespace ringpost::mail {

namespace {

// Walks over a value in pieces that comments separate and quotes hold together.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  char front() const { return text_[at_]; }
  void skip(std::size_t size = 1) { at_ += size; }

  void skip_blanks() {
    while (!at_end() && (is_space(front()) || front() == '('))
      at_ += front() == '(' ? comment_size(text_, at_) : 1;
  }

  // Up to one of `ends`, without comments; blanks at both ends off.
  std::string plain(std::string_view ends) {
    std::string out;
    while (!at_end() && ends.find(front()) == std::string_view::npos) {
      if (front() == '(') {
        at_ += comment_size(text_, at_);
      } else {
        if (front() != '\r' && front() != '\n') out += front();
        ++at_;
      }
    }
    return std::string(trim(out));
  }

  // The string at front(), which is a quote: unquoted. A missing quote ends it with the value.
  std::string quoted() {
    const std::string_view whole = text_.substr(at_, quoted_size(text_, at_));
    at_ += whole.size();
    std::string out;
    for (std::size_t i = 1; i < whole.size(); ++i) {
      if (whole[i] == '"') break;
      if (whole[i] == '\\' && i + 1 < whole.size()) ++i;
      if (whole[i] != '\r' && whole[i] != '\n') out += whole[i];
    }
    return out;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

// A parameter that RFC 2231 wrote in pieces or in a charset.
struct Pieces {
  struct Piece {
    std::string text;
    bool encoded = false;
  };
  std::string name;
  std::map<unsigned, Piece> pieces;
};

// "name*", "name*3", "name*3*".
struct PieceName {
  std::string_view name;
  unsigned number = 0;
  bool encoded = false;
};
std::optional<PieceName> split_piece_name(std::string_view name) {
  PieceName piece;
  if (name.ends_with('*')) {
    piece.encoded = true;
    name.remove_suffix(1);
  }
  const std::size_t star = name.find('*');
  piece.name = name.substr(0, star);
  if (piece.name.empty()) return std::nullopt;
  if (star == std::string_view::npos) return piece.encoded ? std::optional(piece) : std::nullopt;
  const std::string_view digits = name.substr(star + 1);
  if (digits.empty() || digits.size() > 4 || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  for (const char c : digits) piece.number = piece.number * 10 + static_cast<unsigned>(c - '0');
  return piece;
}

// Decoded in its charset, or as it was written behind a starred name.
OwnedParameter join(const Pieces& pieces) {
  std::string raw;
  std::string bytes;
  std::string charset;
  bool encoded = false;
  bool good = true;
  unsigned expected = 0;
  for (const auto& [number, piece] : pieces.pieces) {
    if (number != expected++) break;  // a gap: what is behind it has no place
    std::string_view text = piece.text;
    raw += text;
    if (!piece.encoded) {
      bytes += text;
      continue;
    }
    encoded = true;
    if (number == 0) {
      const std::size_t first = text.find('\'');
      const std::size_t second = first == std::string_view::npos ? first : text.find('\'', first + 1);
      good = second != std::string_view::npos;
      if (!good) continue;
      charset = text.substr(0, first);
      text.remove_prefix(second + 1);
    }
    const auto decoded = percent_decoded(text);
    good = good && decoded;
    if (decoded) bytes += *decoded;
  }
  if (!encoded) return {pieces.name, raw, false};
  if (good) {
    if (auto text = to_utf8(bytes, charset.empty() ? "us-ascii" : charset, BadCharacters::refuse))
      return {pieces.name, *std::move(text), true};
  }
  return {pieces.name + '*', raw, false};
}

class ParameterReader {
 public:
  explicit ParameterReader(Cursor& cursor) : cursor_(cursor) {}

  std::vector<OwnedParameter> read() {
    while (!cursor_.at_end() && count_ < kMimeParametersMax) {
      cursor_.skip();  // the semicolon
      std::string name = cursor_.plain("=;");
      std::string value;
      if (!cursor_.at_end() && cursor_.front() == '=') {
        cursor_.skip();
        cursor_.skip_blanks();
        const bool quoted = !cursor_.at_end() && cursor_.front() == '"';
        value = quoted ? cursor_.quoted() : cursor_.plain(";");
        if (quoted) cursor_.plain(";");
        if (!name.empty()) add(std::move(name), std::move(value));
      }
    }
    for (auto& [index, pieces] : split_)
      if (pieces.pieces.contains(0)) parameters_[index] = join(pieces);
    std::erase_if(parameters_, [](const OwnedParameter& one) { return one.name.empty(); });
    return std::move(parameters_);
  }

 private:
  void add(std::string name, std::string value) {
    ++count_;
    const auto piece = split_piece_name(name);
    if (!piece) {
      parameters_.push_back({std::move(name), std::move(value), false});
      return;
    }
    const auto same = [&](const auto& one) { return equal_ignoring_case(one.second.name, piece->name); };
    auto found = std::ranges::find_if(split_, same);
    if (found == split_.end()) {
      found = split_.insert({parameters_.size(), {std::string(piece->name), {}}}).first;
      parameters_.emplace_back();  // its place
    }
    found->second.pieces.insert({piece->number, {std::move(value), piece->encoded}});
  }

  Cursor& cursor_;
  std::vector<OwnedParameter> parameters_;
  std::map<std::size_t, Pieces> split_;  // by their place in parameters_
  std::size_t count_ = 0;
};

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return !is_control(c) && !is_eight_bit(c) &&
           std::string_view(" ()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
  });
}

}  // namespace

const std::string* ParameterField::find(std::string_view name) const {
  for (const OwnedParameter& parameter : parameters)
    if (equal_ignoring_case(parameter.name, name)) return &parameter.value;
  return nullptr;
}

ParameterField parse_parameter_field(std::string_view field) {
  Cursor cursor(field);
  ParameterField parsed;
  parsed.value = cursor.plain(";");
  parsed.parameters = ParameterReader(cursor).read();
  return parsed;
}

MediaType split_media_type(std::string_view value) {
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view type = trim(value.substr(0, slash));
  std::string_view subtype = trim(value.substr(slash + 1));
  // "text/plain charset=utf-8": the semicolon is missing.
  subtype = subtype.substr(0, subtype.find_first_of(" \t"));
  if (!is_token(type) || !is_token(subtype)) return {};
  return {type, subtype};
}

std::vector<std::string> parse_token_list(std::string_view field) {
  std::vector<std::string> tokens;
  Cursor cursor(field);
  while (!cursor.at_end() && tokens.size() < kMimeParametersMax) {
    std::string token = cursor.plain(",");
    if (!token.empty()) tokens.push_back(std::move(token));
    if (!cursor.at_end()) cursor.skip();
  }
  return tokens;
}

std::string without_comments(std::string_view field) {
  return Cursor(field).plain({});
}

}  // namespace ringpost::mail
