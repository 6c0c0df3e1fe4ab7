// What of a conversation a trace may show: each protocol hides its secrets in a way of its own.
//
// Layer: foundation, private. Owner: one SessionTrace. Fails to the safe side: what could be a secret is blanked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/observe/trace.hpp"

namespace ringpost::observe {

inline constexpr std::string_view kBlank = "***";
inline constexpr std::string_view kBlanks = " \t";

class TraceWords {
 public:
  virtual ~TraceWords() = default;
  // A line as it may be shown.
  virtual std::string client(std::string text) = 0;
  virtual std::string server(std::string text) = 0;
  // The address that a client's line names, of those by which sessions are found.
  virtual std::string_view address(std::string_view /*line*/) const { return {}; }
  // Whether the end of a line announces bytes that are no lines.
  virtual void ended_with(Speaker /*who*/, std::string_view /*end*/) {}
  // How many bytes follow the last line that are none. Asked once for each.
  virtual std::uint64_t take_literal(Speaker /*who*/) { return 0; }

  // Not even how long it is.
  bool hides_length() const { return login_ == Login::under_way; }

 protected:
  // A login: nobody shows what a client says from then on until it is answered; then only what is surely a command.
  enum class Login : std::uint8_t { none, under_way, answered };
  Login login_ = Login::under_way;  // the trace may have begun within one
};

std::unique_ptr<TraceWords> make_smtp_words();
std::unique_ptr<TraceWords> make_imap_words();
std::unique_ptr<TraceWords> make_pop3_words();

// ASCII, whatever the case; `lower_case` is.
bool begins_with(std::string_view text, std::string_view lower_case);
bool same_text(std::string_view text, std::string_view lower_case);

// "AUTH PLAIN ***": the mechanism is no secret. `verb_end`: behind the verb.
std::string blank_behind_mechanism(std::string_view text, std::size_t verb_end);

}  // namespace ringpost::observe
