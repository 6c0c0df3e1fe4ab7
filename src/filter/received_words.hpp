// What words of a Received field say, wherever they stand in it.
//
// Layer:   private to `filter`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringpost::filter {

// The front of `text` as long as its bytes are `in`.
// Whether `word` stands in the text. Most begin with a blank, of which there are many: libc skips over them.
bool stands_in(std::string_view text, std::string_view word);
std::string_view run_of(std::string_view text, bool (*in)(char));
bool not_blank(char c);

std::string received_in_one_line(std::string_view value);
// Takes "; Thu, 22 Aug 2002 12:34:53 +0100" off the end.
void drop_received_date(std::string& line);
std::string received_helo(std::string_view line);
std::string received_id(std::string_view line);
// The address said to be that of the envelope: up to the last letter or digit.
std::optional<std::string> received_envelope_from(std::string_view line);
// How the client said who it was; empty when it did not. `line` begins with "from ".
std::string received_auth(std::string_view line);
bool is_over_smtp(std::string_view line);
// " with" comes right behind the server, or behind comments.
bool protocol_follows(std::string_view line, std::string_view by);

}  // namespace ringpost::filter
