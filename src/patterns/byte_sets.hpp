// The classes of Perl, over bytes in the C locale.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "tree.hpp"

namespace ringpost::patterns {

ByteSet bytes_of(std::string_view members);
ByteSet bytes_between(unsigned first, unsigned last);
// \d \w \s \h \v \N and their capitals; nothing for another letter.
std::optional<ByteSet> escaped_class(char letter);
// [:alpha:] and its like, by name.
std::optional<ByteSet> named_class(std::string_view name);
bool is_ascii(std::string_view text);
// With the other case of each letter.
ByteSet folded(ByteSet set);
// Eight to a byte, for a cache.
using PackedSet = std::array<unsigned char, 32>;
PackedSet packed(const ByteSet& set);
ByteSet unpacked(const PackedSet& bytes);
// As a class in brackets, or as one escaped byte; both libraries read it.
std::string class_text(const ByteSet& set);
std::string byte_text(unsigned char byte);

}  // namespace ringpost::patterns
