// IMAP in a trace.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "trace_words.hpp"

namespace ringpost::observe {

namespace {

constexpr auto kCommands = std::to_array<std::string_view>(
    {"append",    "authenticate", "cancelupdate", "capability",     "check",        "close",      "compress",
     "copy",      "create",       "delete",       "deleteacl",      "enable",       "examine",    "expunge",
     "fetch",     "getacl",       "getmetadata",  "getquota",       "getquotaroot", "id",         "idle",
     "list",      "listrights",   "login",        "logout",         "lsub",         "move",       "myrights",
     "namespace", "noop",         "notify",       "rename",         "replace",      "search",     "select",
     "setacl",    "setmetadata",  "setquota",     "sort",           "starttls",     "status",     "store",
     "subscribe", "thread",       "uid",          "unauthenticate", "unselect",     "unsubscribe"});

struct Words {
  std::string_view tag, verb;
  std::size_t verb_end = 0;
};

// What is no tag and word has no verb.
Words words_of(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || space == 0) return {};
  const std::size_t end = std::min(text.find(' ', space + 1), text.size());
  return {text.substr(0, space), text.substr(space + 1, end - space - 1), end};
}

bool is_command(std::string_view verb) {
  return std::ranges::any_of(kCommands, [verb](std::string_view each) { return same_text(verb, each); });
}

// "{12}", "{12+}", "~{12}" at the end of a line.
struct Literal {
  std::uint64_t size = 0;
  bool waits = false;  // for the server's word
};
Literal literal_of(std::string_view end) {
  Literal literal;
  if (!end.ends_with('}')) return literal;
  end.remove_suffix(1);
  literal.waits = !end.ends_with('+');
  if (!literal.waits) end.remove_suffix(1);
  const std::size_t begin = end.rfind('{');
  if (begin == std::string_view::npos) return {};
  const char* const last = end.data() + end.size();
  const auto read = std::from_chars(end.data() + begin + 1, last, literal.size);
  if (read.ec != std::errc() || read.ptr != last) return {};
  return literal;
}

// Subjects, names, the beginnings of texts.
std::string without_quoted(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    shown += text[i];
    if (text[i] != '"') continue;
    shown += kBlank;
    for (++i; i < text.size() && text[i] != '"'; ++i)
      if (text[i] == '\\') ++i;
    shown += '"';
  }
  return shown;
}

class ImapWords final : public TraceWords {
 public:
  std::string client(std::string text) override {
    if (login_ == Login::under_way) return std::string(kBlank);
    const Words words = words_of(text);
    const bool password = same_text(words.verb, "login");
    if (password || same_text(words.verb, "authenticate")) {
      login_ = Login::under_way;
      return password ? fmt::format("{} {}", text.substr(0, words.verb_end), kBlank)
                      : blank_behind_mechanism(text, words.verb_end);
    }
    // What goes on behind a literal is no command either.
    if (!is_command(words.verb) && !same_text(text, "done")) return std::string(kBlank);
    login_ = Login::none;
    return text;
  }

  std::string server(std::string text) override {
    if (text.starts_with('+')) {
      sent_[0] += std::exchange(waiting_, 0);
      return login_ == Login::under_way ? "+" : text;
    }
    const Words words = words_of(text);
    const bool tagged =
        words.tag != "*" && !within_answer_ &&
        (same_text(words.verb, "ok") || same_text(words.verb, "no") || same_text(words.verb, "bad"));
    if (tagged) waiting_ = 0;
    if (login_ == Login::under_way) {
      if (tagged) login_ = Login::answered;
      if (begins_with(text, "* ok [capability") || begins_with(text, "* preauth")) login_ = Login::none;
    }
    const bool told = std::exchange(within_answer_, false) || holds_mail(text);
    told_ = told;
    return told ? without_quoted(text) : text;
  }

  void ended_with(Speaker who, std::string_view end) override {
    const Literal literal = literal_of(end);
    if (who == Speaker::server) {
      sent_[1] += literal.size;
      within_answer_ = told_ && literal.size != 0;
    } else if (literal.waits) {
      waiting_ = literal.size;
    } else {
      sent_[0] += literal.size;
    }
  }

  std::uint64_t take_literal(Speaker who) override {
    return std::exchange(sent_.at(static_cast<std::size_t>(who)), 0);
  }

 private:
  static bool holds_mail(std::string_view text) {
    const Words words = words_of(text);
    if (words.tag != "*") return false;
    const std::string_view third = text.substr(std::min(words.verb_end + 1, text.size()));
    return begins_with(third, "fetch ") || begins_with(third, "uidfetch ") ||
           same_text(words.verb, "metadata");
  }

  std::array<std::uint64_t, 2> sent_{};  // bytes that follow, by speaker
  std::uint64_t waiting_ = 0;            // of the client, when the server has said so
  bool told_ = false;                    // the last line of the server was of a message
  bool within_answer_ = false;           // and goes on behind a literal
};

}  // namespace

std::unique_ptr<TraceWords> make_imap_words() {
  return std::make_unique<ImapWords>();
}

}  // namespace ringpost::observe
