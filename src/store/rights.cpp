#include "ringpost/store/rights.hpp"

#include <algorithm>
#include <array>

namespace ringpost::store {

namespace {

struct Letter {
  char letter;
  Rights rights;
  bool obsolete = false;  // of RFC 2086
};
// In the order in which they are told.
constexpr std::array<Letter, 13> kLetters{{
    {'l', Right::lookup},
    {'r', Right::read},
    {'s', Right::seen},
    {'w', Right::write},
    {'i', Right::insert},
    {'p', Right::post},
    {'k', Right::create},
    {'x', Right::remove},
    {'t', Right::trash},
    {'e', Right::expunge},
    {'c', Right::create | Right::remove, true},
    {'d', Right::expunge | Right::trash, true},
    {'a', Right::administer},
}};

std::string letters_of(Rights rights, bool with_obsolete) {
  std::string out;
  for (const Letter& each : kLetters)
    if (rights.has_any(each.rights) && (with_obsolete || !each.obsolete)) out += each.letter;
  return out;
}

}  // namespace

std::optional<Rights> Rights::parse(std::string_view letters) {
  Rights rights;
  for (const char c : letters) {
    const auto* const known = std::ranges::find(kLetters, c, &Letter::letter);
    if (known == kLetters.end()) return std::nullopt;
    rights = rights | known->rights;
  }
  return rights;
}

std::string Rights::to_string() const {
  return letters_of(*this, false);
}
std::string Rights::with_obsolete() const {
  return letters_of(*this, true);
}

Rights rights_of(const AccessList& list, std::string_view reader) {
  const auto of = [&](std::string_view identifier) {
    const auto found = list.find(identifier);
    return found == list.end() ? Rights() : found->second;
  };
  // A user whose own name begins with "-" has no entry: it would be what is taken away from another one.
  const Rights given = (reader.starts_with('-') ? Rights() : of(reader)) | of(kAnyone);
  return given - of("-" + std::string(reader)) - of("-" + std::string(kAnyone));
}

}  // namespace ringpost::store
