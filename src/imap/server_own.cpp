// What the session answers by itself.
#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/mail/address.hpp"

#include "capabilities.hpp"
#include "characters.hpp"
#include "reading.hpp"

namespace ringpost::imap {

using Kind = Event::Kind;

namespace {

// Of ID, for logs: one line, with an end.
constexpr std::size_t kClientIdBytes = 512;

bool id_pair(Cursor& in, std::size_t& count, std::string& id) {
  std::string name;
  std::optional<std::string> value;
  if (!in.string(name) || !in.space() || !in.nstring(value)) return false;
  if (++count > kIdPairsMax || name.size() > kIdNameBytesMax || (value && value->size() > kIdValueBytesMax))
    return in.fail("ID says too much");
  if (!value) return true;
  if (!id.empty()) id += ' ';
  id.append(name).append("=").append(*value);
  return true;
}

}  // namespace

void ServerSession::on_capability() {
  output_ += "* CAPABILITY ";
  append_own_capabilities();
  output_ += "\r\n";
  say(tag_, {Condition::ok, {}, "Capabilities told"});
}

void ServerSession::on_id(std::string_view text, std::size_t offset) {
  Cursor in(text.substr(offset));
  std::string id;
  std::size_t count = 0;
  const bool read = in.space() &&
                    (in.skip_word("NIL") || in.list([&] { return id_pair(in, count, id); }, true)) &&
                    in.end();
  if (!read) return refuse(tag_, in.fault());
  id.resize(std::min(id.size(), kClientIdBytes));
  for (char& c : id)
    if (is_control(c)) c = ' ';
  client_id_ = std::move(id);
  output_ += "* ID ";
  if (settings_->id.empty()) {
    output_ += "NIL";
  } else {
    output_ += '(';
    for (const auto& [name, value] : settings_->id) {
      append_string(name, dialect_.utf8_strings(), output_);
      output_ += ' ';
      append_string(value, dialect_.utf8_strings(), output_);
      output_ += ' ';
    }
    output_.back() = ')';
  }
  output_ += "\r\n";
  say(tag_, {Condition::ok, {}, "Pleased to meet you"});
}

// Names that are not known are not enabled, and no fault (RFC 5161 section 3.1). Where the driver has something to tell of it
// (condstore_just_enabled), the command goes on as NOOP.
std::optional<Event> ServerSession::on_enable(std::string_view text, std::size_t offset) {
  Cursor in(text.substr(offset));
  Dialect wanted = dialect_;
  std::string enabled;
  std::size_t count = 0;
  const auto enable = [&](std::string_view name, Capability capability, bool& what) {
    if (!mail::equal_ignoring_case(name, name_of(capability)) || !settings_->capabilities.has(capability))
      return;
    if (!what) enabled.append(" ").append(name_of(capability));
    what = true;
  };
  while (in.skip(' ')) {
    if (in.at_end() && count != 0) break;
    const std::string_view name = in.take_while(is_atom_char);
    if (name.empty()) return bad(tag_, "ENABLE takes names"), std::nullopt;
    if (++count > kEnableNamesMax) return bad(tag_, "ENABLE takes not so many names"), std::nullopt;
    enable(name, Capability::imap4rev2, wanted.rev2);
    enable(name, Capability::utf8_accept, wanted.utf8_accept);
    enable(name, Capability::condstore, wanted.condstore);
    enable(name, Capability::qresync, wanted.qresync);
    enable(name, Capability::uid_only, wanted.uid_only);
  }
  if (count == 0 || !in.at_end()) return bad(tag_, "ENABLE takes names"), std::nullopt;
  wanted.condstore = wanted.condstore || wanted.qresync;
  condstore_just_enabled_ = wanted.condstore && !dialect_.condstore && state_ == State::selected;
  dialect_ = wanted;
  output_.append("* ENABLED").append(enabled).append("\r\n");
  if (condstore_just_enabled_) {
    command_ = Noop{};
    return Event{Kind::command};
  }
  say(tag_, {Condition::ok, {}, "Enabled"});
  return std::nullopt;
}

// What the client sent behind STARTTLS in clear text came from whom knows, and is dropped.
std::optional<Event> ServerSession::on_starttls(Input& input) {
  if (!settings_->starttls || secure_) return bad(tag_, "TLS is not offered here"), std::nullopt;
  say(tag_, {Condition::ok, {}, "Begin TLS"});
  input = {};
  phase_ = Phase::tls;
  return Event{Kind::start_tls};
}

void ServerSession::tls_started() {
  RP_ASSERT(phase_ == Phase::tls);
  phase_ = Phase::line;
  secure_ = true;
  client_id_.clear();
  forget_command();
}

std::optional<Event> ServerSession::on_compress(std::string_view text, std::size_t offset) {
  Cursor in(text.substr(offset));
  std::string_view name;
  if (!in.space() || !in.atom(name) || !in.end()) return refuse(tag_, in.fault()), std::nullopt;
  if (!mail::equal_ignoring_case(name, "DEFLATE")) return bad(tag_, "no such compression"), std::nullopt;
  if (compressed_)
    return say(tag_, {Condition::no, codes::kCompressionActive, "This is compressed already"}), std::nullopt;
  say(tag_, {Condition::ok, {}, "Compression begins"});
  phase_ = Phase::compression;
  return Event{Kind::start_compression};
}

void ServerSession::compression_started() {
  RP_ASSERT(phase_ == Phase::compression);
  phase_ = Phase::line;
  compressed_ = true;
  forget_command();
}

// RFC 8437: all that is known goes, but TLS, ID and the failed logins. Where compression would have to end too, in the middle of what
// may have come behind the command, it is the connection that ends; NO is never an answer.
std::optional<Event> ServerSession::on_unauthenticate(std::string_view text, std::size_t offset) {
  Cursor in(text.substr(offset));
  if (!in.end()) return refuse(tag_, in.fault()), std::nullopt;
  if (compressed_) return close("Compression ends with the connection", codes::kCannot), std::nullopt;
  say(tag_, {Condition::ok, {}, "You may log in again"});
  state_ = State::not_authenticated;
  dialect_ = {};
  login_.clear();
  bad_commands_ = 0;
  forget_command();
  return Event{Kind::unauthenticated};
}

std::optional<Event> ServerSession::on_idle_line(std::string_view line) {
  phase_ = Phase::line;
  idle_broken_ = !mail::equal_ignoring_case(line, "DONE");
  return Event{Kind::idle_done};
}

}  // namespace ringpost::imap
