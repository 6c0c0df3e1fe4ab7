// SMTP, submission and LMTP in a trace.
#include <algorithm>
#include <array>

#include "trace_words.hpp"

namespace ringpost::observe {

namespace {

constexpr std::string_view kAuth = "auth";

// Also what a server would not take for AUTH and a person would: with blanks before it, or a tab behind it.
bool is_auth(std::string_view text) {
  return begins_with(text.substr(std::min(text.find_first_not_of(kBlanks), text.size())), kAuth);
}

// Whether a client that has heard its AUTH answered goes on with something else. What is not in this list could be the
// password of one who does not listen.
bool is_command(std::string_view text) {
  constexpr auto kVerbs =
      std::to_array<std::string_view>({"ehlo", "helo", "lhlo", "mail", "rcpt", "data", "bdat", "rset", "noop",
                                       "quit", "vrfy", "expn", "help", "starttls", "auth"});
  return std::ranges::any_of(kVerbs, [text](std::string_view verb) {
    return begins_with(text, verb) && text.substr(verb.size()).find_first_not_of(kBlanks) != 0;
  });
}

class SmtpWords final : public TraceWords {
 public:
  // A client that sends on before it has heard the answer to its AUTH is blanked too.
  std::string client(std::string text) override {
    if (login_ == Login::under_way) return std::string(kBlank);
    if (is_auth(text)) {
      login_ = Login::under_way;
      return blank_behind_mechanism(text, text.find_first_not_of(kBlanks) + kAuth.size());
    }
    if (login_ == Login::answered && !is_command(text)) return std::string(kBlank);
    login_ = Login::none;
    return text;
  }

  std::string server(std::string text) override {
    const bool asks = text.starts_with("334");
    if (asks)
      login_ = Login::under_way;
    else if (login_ == Login::under_way && !text.substr(0, 4).ends_with('-'))
      login_ = text.starts_with("220") ? Login::none : Login::answered;  // a greeting answers no AUTH
    return asks ? "334" : text;
  }

  std::string_view address(std::string_view line) const override {
    if (login_ == Login::under_way || (!begins_with(line, "mail from:") && !begins_with(line, "rcpt to:")))
      return {};
    return line.substr(0, line.find('>'));
  }
};

}  // namespace

std::unique_ptr<TraceWords> make_smtp_words() {
  return std::make_unique<SmtpWords>();
}

}  // namespace ringpost::observe
