// Text of any charset in UTF-8.
//
// Layer:   pure. The tables are ICU's; it is asked for a converter by name, and never for a guess.
// Input:   any bytes and any name: mails declare charsets that do not exist and that are not true.
// Limits:  kCharsetNameSizeMax; the output is at most 4 times the input.
// Memory:  a converter is made for each call; ICU shares the tables between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::mail {

enum class BadCharacters : std::uint8_t {
  refuse,   // nullopt when one byte is not of the charset
  replace,  // U+FFFD in its place
};
// nullopt when there is no such charset too. US-ASCII, ISO-8859-1 (read as Windows-1252, as all the world does) and UTF-8 take
// a short way.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset, BadCharacters bad);

// Windows-1252 has 5 bytes without a character: these become U+FFFD.
std::string windows_1252_to_utf8(std::string_view bytes);
// UTF-8 with each character below U+0100 as one byte; nullopt when it has others.
std::optional<std::string> utf8_to_latin1(std::string_view text);
std::string latin1_to_utf8(std::string_view bytes);

void append_utf8(char32_t character, std::string& out);  // U+FFFD for what is no character
// The character at `at`, and its size; a byte that begins none is itself, with size 1. `at` < text.size().
struct Utf8Character {
  char32_t value = 0;
  std::uint8_t size = 1;
};
Utf8Character utf8_at(std::string_view text, std::size_t at);
std::size_t count_characters(std::string_view utf8);
bool has_eight_bit(std::string_view bytes);

}  // namespace ringpost::mail
