#include "sorting.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "ringpost/mail/base_subject.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/header_address.hpp"

namespace ringpost::access {

namespace {

using Kind = imap::SortKey::Kind;

// One of them holds what a key compares.
struct Value {
  std::int64_t number = 0;
  std::string text;
  auto operator<=>(const Value&) const = default;
};

std::string mailbox_key(const std::vector<mail::RawAddress>& addresses) {
  return addresses.empty() ? std::string() : mail::casemap_key(addresses.front().local_part);
}

// RFC 5957: the display name, or else the address.
std::string display_key(const std::vector<mail::RawAddress>& addresses) {
  if (addresses.empty()) return {};
  const mail::RawAddress& first = addresses.front();
  if (!first.display_name.empty()) return mail::casemap_key(mail::decode_encoded_words(first.display_name));
  std::string address(first.local_part);
  if (!first.domain.empty()) address.append("@").append(first.domain);
  return mail::casemap_key(address);
}

Value value_of(Kind kind, const store::Message& message, const mail::MessageEnvelope* envelope) {
  switch (kind) {
    case Kind::arrival:
      return {message.internal_date, {}};
    case Kind::size:
      return {message.size, {}};
    case Kind::date:
      return {sent_time(*envelope, message), {}};
    case Kind::cc:
      return {0, mailbox_key(envelope->cc)};
    case Kind::from:
      return {0, mailbox_key(envelope->from)};
    case Kind::to:
      return {0, mailbox_key(envelope->to)};
    case Kind::display_from:
      return {0, display_key(envelope->from)};
    case Kind::display_to:
      return {0, display_key(envelope->to)};
    case Kind::subject:
      return {0, mail::casemap_key(mail::base_subject(envelope->subject.value_or("")).text)};
  }
  return {};
}

}  // namespace

std::int64_t sent_time(const mail::MessageEnvelope& envelope, const store::Message& message) {
  if (envelope.date)
    if (const auto time = mail::parse_date(*envelope.date)) return time->seconds();
  return message.internal_date;
}

Task<Result<std::vector<store::Message>>> sorted(store::UserMail& user, std::vector<store::Message> messages,
                                                 const std::vector<imap::SortKey>& keys, Steps& steps,
                                                 const MessageParts::Damaged& damaged) {
  const bool reads = std::ranges::any_of(
      keys, [](const imap::SortKey& key) { return key.kind != Kind::arrival && key.kind != Kind::size; });
  std::vector<Value> values;
  values.reserve(messages.size() * keys.size());
  for (const store::Message& message : messages) {
    MessageParts parts(user, message);
    const mail::MessageEnvelope* envelope = nullptr;
    if (reads) envelope = RP_CO_TRY(co_await parts.envelope(damaged));
    for (const imap::SortKey& key : keys) values.push_back(value_of(key.kind, message, envelope));
    if (steps.step() && !co_await steps.pause()) co_return fail(ErrorKind::closed, "the client has gone");
  }
  std::vector<std::size_t> order(messages.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    for (std::size_t k = 0; k < keys.size(); ++k) {
      const auto compared = values[a * keys.size() + k] <=> values[b * keys.size() + k];
      if (compared != 0) return keys[k].reverse ? compared > 0 : compared < 0;
    }
    return a < b;
  });
  std::vector<store::Message> result;
  result.reserve(messages.size());
  for (const std::size_t index : order) result.push_back(messages[index]);
  co_return result;
}

store::UidSet saved_of(const std::vector<store::Message>& found, const imap::ReturnOptions& options) {
  store::UidSet saved;
  if (found.empty()) return saved;
  const auto save = [&](const store::Message& message) { saved.add({message.uid, message.uid}); };
  const bool parts = (options.min || options.max || options.partial) && !options.all && !options.count;
  const imap::Page::Span page = !parts            ? imap::Page::Span{0, found.size()}
                                : options.partial ? options.partial->of(found.size())
                                                  : imap::Page::Span{};
  for (std::size_t i = page.begin; i < page.end; ++i) save(found[i]);
  if (options.min) save(found.front());
  if (options.max) save(found.back());
  return saved;
}

}  // namespace ringpost::access
