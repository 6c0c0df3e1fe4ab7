// How one receiver behaves: what it refuses and when, how slow it is, what it breaks.
//
// Layer:  tool. The struct is an option table for arguments.cpp; PersonaState is shared by all cores of a sink.
// Cost:   a persona that asks for nothing costs nothing. Limits over all cores take a lock, as a rate of one receiver must.
// Limits: kGreylistMax.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/smtp/server_settings.hpp"

#include "common_options.hpp"
#include "sink_figures.hpp"

namespace ringpost::loadgen {

// A place in the conversation, before its reply.
enum class Step : std::uint8_t { nowhere, greeting, helo, mail, rcpt, data, body };

// The last `length` of each `every`, so that a run begins outside.
struct Window {
  Duration length{0};
  Duration every{0};
  bool asked() const { return length > Duration{0} && every > Duration{0}; }
  // How long it still lasts; 0: it is not open.
  Duration rest(Duration since_start) const {
    if (!asked()) return Duration{0};
    const Duration place = since_start % every;
    return place >= every - length ? every - place : Duration{0};
  }
};

struct Persona {
  std::string name = "everyone";
  std::vector<IpAddress> listen;     // of a persona in a file; the port is that of --listen
  std::vector<std::string> domains;  // played in DNS at these addresses

  std::uint64_t connections_max = 0;  // beyond: 421; 0 is no limit
  mail::Reply connections_reply{421, {4, 7, 0}, "Too many connections, try again later"};
  Duration accept_delay{0};  // before the greeting
  TlsUse tls = TlsUse::none;
  bool tls_required = false;  // 530 before STARTTLS

  double reject_temporary = 0;
  std::optional<mail::Reply> temporary_reply;  // none: one that fits the place
  double reject_permanent = 0;
  std::optional<mail::Reply> permanent_reply;
  Step reject_at = Step::rcpt;  // or body
  std::optional<Rate> rate;     // messages; more are deferred
  mail::Reply rate_reply{451, {4, 7, 1}, "Too many messages, try again later"};
  Duration greylist{0};  // how long a new sender and recipient are deferred
  mail::Reply greylist_reply{451, {4, 7, 1}, "Greylisted, try again later"};
  Window storm;  // everything is deferred
  mail::Reply storm_reply{451, {4, 3, 2}, "System is overloaded, try again later"};

  Duration delay{0};
  Step delay_at = Step::body;
  Window freeze;  // nothing is answered at the end of a message
  double drop = 0;
  Step drop_at = Step::body;  // or any other
  Step stall = Step::nowhere;

  mail::Reply later() const;
  mail::Reply never() const;
  bool judges_senders() const { return rate.has_value() || storm.asked(); }
};

// Like observe::Counter, for several cores.
class SharedCounter {
 public:
  void add() { value_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class PersonaState {
 public:
  PersonaState(Persona persona, smtp::ServerSettings session)
      : persona_(std::move(persona)), session_(std::move(session)) {}

  const Persona& persona() const { return persona_; }
  const smtp::ServerSettings& session() const { return session_; }
  // One message more in the period that `now` is in; false: it is over the rate.
  bool within_rate(WallTime now);
  // A pair seen first less than `greylist` ago.
  bool greylisted(std::string_view sender, std::string_view recipient, WallTime now);

  Concurrency connections;
  SharedCounter messages;
  SharedCounter turned_away;
  SharedCounter over_rate;
  SharedCounter greylistings;
  SharedCounter stormed;
  SharedCounter rejected_temporary;
  SharedCounter rejected_permanent;
  SharedCounter dropped;

 private:
  Persona persona_;
  smtp::ServerSettings session_;
  std::mutex mutex_;
  std::int64_t period_ = 0;
  std::uint64_t in_period_ = 0;
  std::unordered_map<std::uint64_t, WallTime> first_seen_;
};

// "451 4.7.1 Try again later"
Result<mail::Reply> parse_refusal(const std::string& text);

}  // namespace ringpost::loadgen
