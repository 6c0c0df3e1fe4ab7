#include "persona.hpp"

#include <algorithm>
#include <functional>

#include "limits.hpp"
#include "weighted.hpp"

namespace ringpost::loadgen {

mail::Reply Persona::later() const {
  if (temporary_reply) return *temporary_reply;
  if (reject_at == Step::body) return {451, {4, 7, 1}, "Message deferred, try again later"};
  return {450, {4, 2, 1}, "Mailbox busy, try again later"};
}

mail::Reply Persona::never() const {
  if (permanent_reply) return *permanent_reply;
  if (reject_at == Step::body) return {554, {5, 7, 1}, "Message refused"};
  return {550, {5, 1, 1}, "No such mailbox"};
}

bool PersonaState::within_rate(WallTime now) {
  const Rate& rate = *persona_.rate;
  const std::scoped_lock lock(mutex_);
  const std::int64_t period = now.nanoseconds / rate.per.count();
  if (period != period_) {
    period_ = period;
    in_period_ = 0;
  }
  return ++in_period_ <= rate.count;
}

bool PersonaState::greylisted(std::string_view sender, std::string_view recipient, WallTime now) {
  const std::uint64_t key =
      scattered(std::hash<std::string_view>{}(sender)) ^ std::hash<std::string_view>{}(recipient);
  const std::scoped_lock lock(mutex_);
  // A receiver that remembers too much forgets all, and greylists anew.
  if (first_seen_.size() >= kGreylistMax) first_seen_.clear();
  const auto [entry, fresh] = first_seen_.try_emplace(key, now);
  return fresh || now - entry->second < persona_.greylist;
}

Result<mail::Reply> parse_refusal(const std::string& text) {
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
    return fail(ErrorKind::permanent, "a reply is one line without controls");
  mail::ReplyParser parser;
  if (parser.feed(text) != mail::ReplyParser::Progress::complete)
    return fail(ErrorKind::permanent, "write a reply as \"451 4.7.1 Try again later\"");
  mail::Reply reply = parser.take();
  if (!reply.temporary() && !reply.permanent())
    return fail(ErrorKind::permanent, "a refusal has a code from 400 to 599");
  return reply;
}

}  // namespace ringpost::loadgen
