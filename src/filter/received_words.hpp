// What words of a Received field say, wherever they stand in it.
//
// Layer:   private to `filter`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::filter {

// Which pairs of bytes stand side by side in a text: most words that are sought in a line are not there, and two bytes tell.
class BytePairs {
 public:
  explicit BytePairs(std::string_view text);
  // False: it does not stand in the text, nor in a part of it.
  bool may_hold(std::string_view word) const;

 private:
  static constexpr std::size_t kBits = 4096;
  static std::size_t place(char first, char second) {
    return (static_cast<std::size_t>(static_cast<unsigned char>(first)) * 37 +
            static_cast<unsigned char>(second)) %
           kBits;
  }
  std::array<std::uint64_t, kBits / 64> bits_{};
};

// Whether `word` stands in the text. Most begin with a blank, of which there are many: libc skips over them.
bool stands_in(std::string_view text, std::string_view word);
inline bool stands_in(std::string_view text, const BytePairs& pairs, std::string_view word) {
  return pairs.may_hold(word) && stands_in(text, word);
}
// The front of `text` as long as its bytes are `in`.
std::string_view run_of(std::string_view text, bool (*in)(char));
bool not_blank(char c);

std::string received_in_one_line(std::string_view value);
// Takes "; Thu, 22 Aug 2002 12:34:53 +0100" off the end.
void drop_received_date(std::string& line);
std::string received_helo(std::string_view line);
std::string received_id(std::string_view line);
// The address said to be that of the envelope: up to the last letter or digit.
std::optional<std::string> received_envelope_from(std::string_view line);
// How the client said who it was; empty when it did not. `line` begins with "from "; the pairs are those of it.
std::string received_auth(std::string_view line, const BytePairs& pairs);
bool is_over_smtp(std::string_view line);
// " with" comes right behind the server, or behind comments.
bool protocol_follows(std::string_view line, std::string_view by);

}  // namespace ringpost::filter
