// From received bytes to commands: lines, the literals between them, and what is dropped.
//
// A command that cannot be carried out gets its answer as soon as that is known. What the client sends of it all the same, the
// literals that it sends unasked and the rest of the line, is dropped unread, so that none of it is taken for a command.
#include <algorithm>
#include <cstring>

#include "ringpost/mail/address.hpp"
#include "ringpost/sasl/secret.hpp"
#include "ringpost/scan/find.hpp"

#include "characters.hpp"
#include "reading.hpp"

namespace ringpost::imap {

namespace {

// "~{18446744073709551615+}" and its line end: what is kept of a line that is dropped.
constexpr std::size_t kTailBytes = 40;

std::string_view without_line_end(std::string_view line) {
  line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
  return line;
}

// Ends in CRLF, and holds no other CR and no NUL.
bool is_clean(std::string_view line) {
  return line.ends_with("\r\n") && line.find_first_of(std::string_view("\r\0", 2)) == line.size() - 2;
}

constexpr StatusResponse kUnclean{Condition::bad, {}, "a line ends in CRLF, and holds no CR and no NUL"};

}  // namespace

ServerSession::Reading& ServerSession::reading() {
  if (!reading_) reading_ = std::make_unique<Reading>();
  return *reading_;
}

std::size_t ServerSession::command_bytes_max() const {
  return state_ == State::not_authenticated ? kCommandBytesBeforeLogin : kCommandBytesMax;
}

// What was read may be a password.
void ServerSession::drop_line() {
  if (!reading_) return;
  sasl::wipe(reading_->text);
  reading_.reset();
}

// The tag and the name; what is behind them stands at `offset`.
ServerSession::Words ServerSession::words_of(std::string_view text) const {
  Words words;
  Cursor in(text);
  const std::string_view tag = in.take_while(is_tag_char);
  if (tag.empty() || tag.size() > kTagBytesMax || (!in.at_end() && in.peek() != ' ')) return words;
  words.tag = tag;
  in.skip(' ');
  words.name = in.take_while(is_letter);
  if (mail::equal_ignoring_case(words.name, "UID")) {
    words.uid = true;
    in.skip(' ');
    words.name = in.take_while(is_letter);
  }
  if (in.at_end() || in.peek() == ' ') words.traits = find_command(words.name, words.uid);
  words.offset = in.offset();
  return words;
}

// Why the command cannot be carried out, whatever its arguments are.
std::optional<StatusResponse> ServerSession::obstacle(const Words& words) const {
  const auto bad = [](std::string_view text) { return StatusResponse{Condition::bad, {}, text}; };
  if (words.tag.empty()) return bad("the tag is missing or is none");
  const CommandTraits* traits = words.traits;
  const bool offered =
      traits != nullptr && (!traits->capability || settings_->capabilities.has(*traits->capability));
  if (!offered) return bad("no such command");
  switch (traits->needs) {
    case Needs::nothing:
      break;
    case Needs::no_login:
      if (state_ != State::not_authenticated) return bad("you are logged in already");
      break;
    case Needs::login:
      if (state_ == State::not_authenticated) return bad("log in first");
      break;
    case Needs::selected:
      if (state_ != State::selected) return bad("select a mailbox first");
      break;
  }
  const bool login = traits->verb == Verb::login || traits->verb == Verb::authenticate;
  if (login && settings_->auth_needs_tls && !secure_)
    return StatusResponse{Condition::no, codes::kPrivacyRequired, "use STARTTLS before you log in"};
  return std::nullopt;
}

std::optional<Event> ServerSession::read_line(Input& input) {
  const void* const found = input.empty() ? nullptr : std::memchr(input.data(), '\n', input.size());
  const std::size_t size =
      found == nullptr ? input.size()
                       : static_cast<std::size_t>(static_cast<const std::byte*>(found) - input.data()) + 1;
  if ((reading_ ? reading_->text.size() : 0) + size > command_bytes_max()) return line_too_long(input);
  std::string_view text = scan::as_text(input.first(size));
  if (found == nullptr) {
    if (!text.empty()) keep(text);
    input = {};
    return Event{Event::Kind::need_input};
  }
  input = input.subspan(size);
  if (reading_) {
    keep(text);
    text = reading_->text;
  }
  if (reading_ && reading_->append.open) return on_append_line(text);
  const std::string_view line = text.substr(reading_ ? reading_->line_begin : 0);
  if (phase_ == Phase::line && is_clean(line)) {
    if (const auto literal = find_literal_head(without_line_end(line)))
      return on_literal(without_line_end(text), *literal);
  }
  // The session may drop what it was reading while the command is carried out; its text stays here.
  const std::unique_ptr<Reading> held = std::move(reading_);
  const std::optional<Event> event = on_line(text, line, input);
  if (held) sasl::wipe(held->text);
  return event;
}

// Appends, and leaves no old copy of it behind.
void ServerSession::keep(std::string_view part) {
  std::string& text = reading().text;
  if (text.capacity() < text.size() + part.size()) {
    std::string larger;
    larger.reserve(std::max(text.size() + part.size(), std::min(2 * text.capacity(), kCommandBytesMax)));
    larger = text;
    sasl::wipe(text);
    text = std::move(larger);
  }
  text += part;
}

// `text` is the command so far, `line` its last line, both with the line end.
std::optional<Event> ServerSession::on_line(std::string_view text, std::string_view line, Input& input) {
  const bool clean = is_clean(line);
  text = without_line_end(text);
  line = without_line_end(line);
  if (phase_ == Phase::auth) return clean ? take_turn(auth_->answer(line)) : fail_auth(kUnclean);
  if (phase_ == Phase::idle) return on_idle_line(line);
  if (clean) return execute(text, input);
  end_early(words_of(text).tag, kUnclean, find_literal_head(line));
  return std::nullopt;
}

// `text` is the command so far, without the last line end.
std::optional<Event> ServerSession::on_literal(std::string_view text, const LiteralHead& literal) {
  const Words words = words_of(text);
  if (const auto why = obstacle(words)) return end_early(words.tag, *why, literal), std::nullopt;
  tag_ = words.tag;
  if (words.traits->verb == Verb::append) {
    Cursor in(text.substr(words.offset));
    AppendMessage message;
    const bool replace = words.traits->needs == Needs::selected;
    const AppendHead head = read_append_mailbox(in, {*settings_, dialect_, words.uid}, replace, message);
    if (head == AppendHead::broken) return end_early(tag_, in.fault(), literal), std::nullopt;
    if (head == AppendHead::message) {
      reading().append.message = std::move(message);
      return next_message(in, literal);
    }
  }
  constexpr std::size_t kLineEnd = 2;
  if (literal.overflow ||
      literal.size > command_bytes_max() - std::min(command_bytes_max(), text.size() + kLineEnd)) {
    const bool value = words.traits->parse == parse_set_metadata;
    const std::string code =
        value ? codes::metadata_max_size(kMetadataValueBytesMax) : std::string(codes::kTooBig);
    end_early(tag_, {value ? Condition::no : Condition::bad, code, "the command is too long"}, literal);
    return std::nullopt;
  }
  if (!reading_) {
    keep(text);
    keep("\r\n");
  }
  reading_->literal_left = literal.size;
  if (!literal.unasked) output_ += "+ OK\r\n";
  phase_ = Phase::literal;
  return std::nullopt;
}

std::optional<Event> ServerSession::read_literal(Input& input) {
  const std::size_t size = std::min<std::uint64_t>(reading_->literal_left, input.size());
  keep(scan::as_text(input.first(size)));
  input = input.subspan(size);
  reading_->literal_left -= size;
  if (reading_->literal_left != 0) return Event{Event::Kind::need_input};
  reading_->line_begin = reading_->text.size();
  phase_ = Phase::line;
  return std::nullopt;
}

// The command has its answer; what still comes of it is dropped.
void ServerSession::end_early(std::string_view tag, const StatusResponse& why,
                              const std::optional<LiteralHead>& literal) {
  refuse(tag, why);
  drop_line();
  if (state_ != State::logout) begin_skip(literal);
}

void ServerSession::begin_skip(const std::optional<LiteralHead>& literal) {
  phase_ = Phase::line;
  if (!literal || !literal->unasked) return;
  if (literal->overflow || literal->size > kDroppedLiteralBytesMax) return close("The literal is too large");
  reading().literal_left = literal->size;
  phase_ = Phase::skip_literal;
}

std::optional<Event> ServerSession::skip_literal(Input& input) {
  const std::size_t size = std::min<std::uint64_t>(reading_->literal_left, input.size());
  input = input.subspan(size);
  reading_->literal_left -= size;
  reading_->dropped_literals += size;
  if (reading_->dropped_literals > kDroppedLiteralBytesMax)
    return close("Too much was sent unasked"), std::nullopt;
  if (reading_->literal_left != 0) return Event{Event::Kind::need_input};
  phase_ = Phase::skip_line;
  reading_->text.clear();
  return std::nullopt;
}

std::optional<Event> ServerSession::skip_line(Input& input) {
  const void* const found = input.empty() ? nullptr : std::memchr(input.data(), '\n', input.size());
  const std::size_t size =
      found == nullptr ? input.size()
                       : static_cast<std::size_t>(static_cast<const std::byte*>(found) - input.data()) + 1;
  const std::string_view part = scan::as_text(input.first(size));
  input = input.subspan(size);
  reading_->dropped_line += size;
  if (reading_->dropped_line > kDroppedLineBytesMax) return close("The line does not end"), std::nullopt;
  std::string& tail = reading_->text;
  tail += part.substr(part.size() - std::min(part.size(), kTailBytes));
  tail.erase(0, tail.size() - std::min(tail.size(), kTailBytes));
  if (found == nullptr) return Event{Event::Kind::need_input};
  const auto literal = find_literal_head(without_line_end(tail));
  if (literal && literal->unasked) {
    begin_skip(literal);
  } else {
    drop_line();
    phase_ = Phase::line;
  }
  return std::nullopt;
}

std::optional<Event> ServerSession::line_too_long(Input& input) {
  constexpr StatusResponse kTooLong{Condition::bad, codes::kTooBig, "the line is too long"};
  const std::size_t held = reading_ ? reading_->text.size() : 0;
  std::string tail = held == 0 ? std::string{} : reading_->text.substr(held - std::min(held, kTailBytes));
  std::optional<Event> event;
  if (reading_ && reading_->append.open) {
    event = break_append(kTooLong, std::nullopt);
  } else if (phase_ == Phase::auth) {
    event = fail_auth(kTooLong);
  } else if (phase_ == Phase::idle) {
    event = on_idle_line("too long");
  } else {
    std::string begin = reading_ ? reading_->text.substr(0, kTagBytesMax + 1) : std::string{};
    begin += scan::as_text(input.first(std::min(input.size(), kTagBytesMax + 1 - begin.size())));
    refuse(words_of(begin.substr(0, begin.find(' '))).tag, kTooLong);
  }
  if (state_ == State::logout) return event;
  drop_line();
  // However it was split: the end of what is held may begin the announcement of a literal.
  reading().text = std::move(tail);
  reading_->dropped_line = held;
  phase_ = Phase::skip_line;
  return event;
}

}  // namespace ringpost::imap
