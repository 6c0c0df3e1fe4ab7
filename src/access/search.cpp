#include "search.hpp"

#include <algorithm>
#include <chrono>

#include "ringpost/access/limits.hpp"
#include "ringpost/mail/base_subject.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/header_address.hpp"
#include "ringpost/scan/find_text.hpp"

#include "preview.hpp"

namespace ringpost::access {

namespace {

using Kind = imap::SearchKey::Kind;

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The day that a point in time has at a place so many minutes east of Greenwich.
std::chrono::sys_days day_of(std::int64_t seconds, int zone_minutes) {
  const std::chrono::sys_seconds local{std::chrono::seconds{seconds + zone_minutes * 60}};
  return std::chrono::floor<std::chrono::days>(local);
}

// A Date field's day as it is written: its time and zone do not count (RFC 9051 section 6.4.4).
std::optional<std::chrono::sys_days> written_day(std::string_view value) {
  const auto time = mail::parse_date(value);
  if (!time) return std::nullopt;
  int zone = 0;
  for (std::size_t at = value.size(); at-- > 0;)
    if ((value[at] == '+' || value[at] == '-') && at + 4 < value.size() &&
        std::ranges::all_of(value.substr(at + 1, 4), [](char c) { return c >= '0' && c <= '9'; })) {
      const auto digit = [&](std::size_t n) { return value[at + n] - '0'; };
      zone = (digit(1) * 10 + digit(2)) * 60 + digit(3) * 10 + digit(4);
      if (value[at] == '-') zone = -zone;
      break;
    }
  return day_of(time->seconds(), zone);
}

enum class Order : std::uint8_t { before, on, since };
bool compares(std::chrono::sys_days day, Order order, std::chrono::sys_days wanted) {
  if (order == Order::before) return day < wanted;
  return order == Order::on ? day == wanted : day >= wanted;
}

}  // namespace

std::string decoded_field(std::string_view value) {
  return mail::decode_encoded_words(mail::unfold(value));
}

// ---- texts

Needle::Needle(std::string_view utf8) {
  if (is_ascii(utf8))
    std::ranges::transform(utf8, std::back_inserter(ascii_), lower);
  else
    key_ = mail::casemap_key(utf8);
}

bool Needle::in(std::string_view utf8) const {
  if (!key_.empty()) return mail::casemap_key(utf8).find(key_) != std::string::npos;
  return scan::find_folded(scan::as_bytes(utf8), ascii_) != scan::kNotFound;
}

// ---- what need not be read

bool Search::prepare(const imap::SearchKey& key) {
  if (key.kind == Kind::sequence || key.kind == Kind::uid) {
    auto set = selection_.resolve(key.set, key.kind == Kind::uid);
    if (!set) return false;
    sets_.emplace_back(&key, *std::move(set));
  }
  if (key.kind == Kind::header || key.kind == Kind::body || key.kind == Kind::text)
    needles_.emplace_back(&key, Needle(key.text));
  return std::ranges::all_of(key.children, [this](const imap::SearchKey& child) { return prepare(child); });
}

namespace {

template <class List>
const auto& of_key(const List& list, const imap::SearchKey& key) {
  return std::ranges::find(list, &key, &List::value_type::first)->second;
}

bool has_keyword(const store::Mailbox& mailbox, const store::Message& message, std::string_view name) {
  const auto bit = mailbox.keyword(name);
  return bit && (message.keywords >> *bit & 1U) != 0;
}

}  // namespace

Search::Known Search::known(const imap::SearchKey& key, const store::Message& message) const {
  const auto say = [](bool yes) { return yes ? Known::yes : Known::no; };
  const std::int64_t age = now_.seconds() - message.internal_date;
  const auto internal_day = [&] { return day_of(message.internal_date, message.zone_minutes); };
  const auto saved_day = [&] { return day_of(message.save_date, 0); };
  switch (key.kind) {
    case Kind::all:
    case Kind::save_date_supported:
      return Known::yes;
    case Kind::conjunction:
    case Kind::disjunction:
    case Kind::negation:
      return known_set(key, message);
    case Kind::sequence:
    case Kind::uid:
      return say(of_key(sets_, key).contains(message.uid));
    case Kind::flag: {
      imap::SystemFlags flags = selection_.flags_of(message, {});
      return say((flags.bits & key.number) != 0);
    }
    case Kind::keyword:
      return say(has_keyword(*selection_.mailbox(), message, key.name));
    case Kind::before:
      return say(compares(internal_day(), Order::before, key.date));
    case Kind::on:
      return say(compares(internal_day(), Order::on, key.date));
    case Kind::since:
      return say(compares(internal_day(), Order::since, key.date));
    case Kind::saved_before:
      return say(compares(saved_day(), Order::before, key.date));
    case Kind::saved_on:
      return say(compares(saved_day(), Order::on, key.date));
    case Kind::saved_since:
      return say(compares(saved_day(), Order::since, key.date));
    case Kind::larger:
      return say(message.size > key.number);
    case Kind::smaller:
      return say(message.size < key.number);
    case Kind::older:
      return say(age >= static_cast<std::int64_t>(key.number));
    case Kind::younger:
      return say(age <= static_cast<std::int64_t>(key.number));
    case Kind::mod_sequence:
      return say(message.modseq.value >= key.number);
    case Kind::email_id:
      return say(store::email_object_id(message.blob) == key.text);
    case Kind::thread_id:
      return say(message.thread != 0 && store::thread_object_id(message.thread) == key.text);
    case Kind::header:
    case Kind::body:
    case Kind::text:
    case Kind::sent_before:
    case Kind::sent_on:
    case Kind::sent_since:
      break;
  }
  return Known::must_read;
}

Search::Known Search::known_set(const imap::SearchKey& key, const store::Message& message) const {
  if (key.kind == Kind::negation) {
    const Known child = known(key.children.front(), message);
    if (child == Known::must_read) return child;
    return child == Known::yes ? Known::no : Known::yes;
  }
  const Known decides = key.kind == Kind::conjunction ? Known::no : Known::yes;
  bool open = false;
  for (const imap::SearchKey& child : key.children) {
    const Known one = known(child, message);
    if (one == decides) return one;
    open = open || one == Known::must_read;
  }
  if (open) return Known::must_read;
  return decides == Known::no ? Known::yes : Known::no;
}

// ---- what must be read

Task<Result<bool>> Search::matches(const imap::SearchKey& key, const store::Message& message) {
  const Known at_once = known(key, message);
  if (at_once != Known::must_read) co_return at_once == Known::yes;
  header_.reset();
  MessageParts parts(user_, message);
  co_return co_await read(key, parts);
}

Task<Result<bool>> Search::read(const imap::SearchKey& key, MessageParts& parts) {
  if (!selection_.mailbox()) co_return false;
  const Known at_once = known(key, parts.message());
  if (at_once != Known::must_read) co_return at_once == Known::yes;
  switch (key.kind) {
    case Kind::negation: {
      const bool child = RP_CO_TRY(co_await read(key.children.front(), parts));
      co_return !child;
    }
    case Kind::conjunction:
    case Kind::disjunction: {
      const bool decides = key.kind == Kind::disjunction;
      for (const imap::SearchKey& child : key.children) {
        const bool one = RP_CO_TRY(co_await read(child, parts));
        if (one == decides) co_return decides;
      }
      co_return !decides;
    }
    case Kind::header:
      co_return co_await in_header(key, parts);
    case Kind::body:
    case Kind::text:
      co_return co_await in_text(key, parts);
    default:
      co_return co_await sent(key, parts);
  }
}

namespace {

Task<Result<void>> read_header(MessageParts& parts, std::optional<std::string>& header) {
  if (header) co_return Result<void>{};
  const mail::MimeStructure* structure = RP_CO_TRY(co_await parts.structure());
  const mail::MimePart& whole = structure->parts.front();
  header = RP_CO_TRY(co_await parts.text({0, std::min<std::uint64_t>(whole.header_size, kHeaderMax)}));
  co_return Result<void>{};
}

bool in_fields(const Needle& needle, std::string_view header) {
  mail::HeaderReader reader(header);
  while (const auto field = reader.next())
    if (needle.in(decoded_field(field->value)) || needle.in(field->name)) return true;
  return false;
}

}  // namespace

Task<Result<bool>> Search::in_header(const imap::SearchKey& key, MessageParts& parts) {
  RP_CO_CHECK(co_await read_header(parts, header_));
  const Needle& needle = of_key(needles_, key);
  mail::HeaderReader reader(*header_);
  while (const auto field = reader.next())
    if (same_word(field->name, key.name) && needle.in(decoded_field(field->value))) co_return true;
  co_return false;
}

Task<Result<bool>> Search::in_text(const imap::SearchKey& key, MessageParts& parts) {
  const Needle& needle = of_key(needles_, key);
  if (key.kind == Kind::text) {
    RP_CO_CHECK(co_await read_header(parts, header_));
    if (in_fields(needle, *header_)) co_return true;
  }
  const mail::MimeStructure* structure = RP_CO_TRY(co_await parts.structure());
  std::uint64_t looked_at = 0;
  for (const mail::MimePart& part : structure->parts) {
    // RFC 9051 section 6.4.4: TEXT looks at MIME headers too, and at those of messages inside.
    if (key.kind == Kind::text && &part != &structure->parts.front() && part.header_size != 0) {
      const std::string header = RP_CO_TRY(
          co_await parts.text({part.header_offset, std::min<std::uint64_t>(part.header_size, kHeaderMax)}));
      looked_at += header.size();
      if (in_fields(needle, header)) co_return true;
    }
    if (part.multipart() || part.message() || !same_word(part.type, "text")) continue;
    looked_at += part.body_size;
    if (looked_at > kSearchedTextMax) break;
    const std::string bytes = RP_CO_TRY(co_await parts.text({part.body_offset, part.body_size}));
    if (needle.in(decoded_text(part, bytes))) co_return true;
  }
  co_return false;
}

Task<Result<bool>> Search::sent(const imap::SearchKey& key, MessageParts& parts) {
  const mail::MimeStructure* structure = RP_CO_TRY(co_await parts.structure());
  const auto& date = structure->envelopes.front().date;
  const store::Message& message = parts.message();
  const auto day = (date ? written_day(*date) : std::nullopt)
                       .value_or(day_of(message.internal_date, message.zone_minutes));
  const Order order = key.kind == Kind::sent_before ? Order::before
                      : key.kind == Kind::sent_on   ? Order::on
                                                    : Order::since;
  co_return compares(day, order, key.date);
}

}  // namespace ringpost::access
