// POP3 in a trace.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "trace_words.hpp"

namespace ringpost::observe {

namespace {

constexpr auto kCommands =
    std::to_array<std::string_view>({"apop", "auth", "capa", "dele", "lang", "list", "noop", "pass", "quit",
                                     "retr", "rset", "stat", "stls", "top", "uidl", "user", "utf8"});

class Pop3Words final : public TraceWords {
 public:
  std::string client(std::string text) override {
    if (login_ == Login::under_way) return std::string(kBlank);
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    const std::string_view verb = std::string_view(text).substr(0, end);
    if (!std::ranges::any_of(kCommands, [verb](std::string_view each) { return same_text(verb, each); }))
      return std::string(kBlank);
    login_ = Login::none;
    const bool mechanism = same_text(verb, "auth");
    if (!mechanism && !same_text(verb, "pass") && !same_text(verb, "apop")) return text;
    login_ = Login::under_way;
    return mechanism ? blank_behind_mechanism(text, end) : fmt::format("{} {}", verb, kBlank);
  }

  std::string server(std::string text) override {
    if (login_ != Login::under_way) return text;
    if (text.starts_with("+ ") || text == "+") return "+";
    if (text.starts_with("+OK") || text.starts_with("-ERR")) login_ = Login::answered;
    return text;
  }
};

}  // namespace

std::unique_ptr<TraceWords> make_pop3_words() {
  return std::make_unique<Pop3Words>();
}

}  // namespace ringpost::observe
