// What some 60 kinds of server write into Received.
//
// Layer:   private to `filter`.
// Order:   servers agree on little. Shapes are tried in order, from the particular to the general, because the general ones would
//          read a particular line wrongly.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace ringpost::filter {

enum class ReceivedSays : unsigned char {
  relay,
  looked_up,  // and the server asked for the name of the address
  skip        // no hand-over between hosts
};

// How the words of a shape are to be read.
enum class ReceivedReading : unsigned char {
  plain,
  rdns_is_helo,   // where no HELO was told, the name is both
  unknown_rdns,   // "unknown" is none; any other was looked up
  ident_in_rdns,  // "IDENT:user@host" and "user@host"
  dotted_rdns,    // a name without a dot is not meant
  soft_error,     // the name "softdnserr": it was not looked up
  no_id
};

// " with SMTP" or " SMTP" behind other words, and no id right after it: how qmail writes.
inline constexpr std::string_view kOverSmtp = "SMTP";

struct ReceivedShape {
  std::string_view needs;  // must stand in the line somewhere; tried only then
  std::string_view shape;
  ReceivedSays says = ReceivedSays::relay;
  ReceivedReading reading = ReceivedReading::plain;
};

// A program that is known by a word in the line, and its own shapes. The first that is there decides; then the general ones.
struct ReceivedProgram {
  std::string_view mark;
  std::array<ReceivedShape, 4> shapes;
};

// A line of Hotmail's web mail is tried behind so many of the general shapes.
inline constexpr std::size_t kShapesBeforeHotmail = 7;

std::span<const ReceivedProgram> received_programs();
std::span<const ReceivedShape> general_received_shapes();
std::span<const ReceivedShape> rare_received_shapes();

}  // namespace ringpost::filter
