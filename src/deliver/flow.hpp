// One connection to one destination, from the first look-up to QUIT, and the messages that go over it.
//
// Owner: the coroutine Service::State::serve, which holds the slot before and gives it back after. Keeps the Settings with
//        which it began.
// Files: connect.cpp (the way, the greeting, TLS, AUTH), flow.cpp (one message after another), transaction.cpp (one).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/deliver/service.hpp"
#include "ringpost/net/connection.hpp"
#include "ringpost/observe/trace.hpp"
#include "ringpost/scan/dot_stuffer.hpp"
#include "ringpost/smtp/client_session.hpp"
#include "ringpost/smtp/transaction_result.hpp"

#include "destination.hpp"
#include "finding.hpp"

namespace ringpost::deliver {

class Flow final : public ListLink<>, public ListLink<IdleFlow> {
 public:
  Flow(Service::State& service, Destination& destination);
  ~Flow();

  Task<void> run();
  // An idle flow looks up: there is a message, or it is to leave.
  void wake();
  // While it has not come to a server that talks, it leaves; what it does afterwards it ends.
  void drain();
  void abort();

  friend FramePool& frame_pool(Flow& flow) { return flow.core_.frames(); }

 private:
  // Why no host could be reached.
  struct Trouble {
    bool permanent = false;
    bool talked = false;  // it is what a server said, or how it behaved
    mail::Reply reply;
    std::string host, remote;
  };
  enum class Hello : std::uint8_t { ready, next_host, again_in_clear };

  // connect.cpp
  Task<bool> connect();
  Task<resolve::Route> find_way();
  Task<bool> try_hosts(resolve::Route& way, bool dead_ones);
  Task<bool> try_endpoint(const resolve::MailHost& host, Endpoint endpoint);
  Task<Hello> greet(const resolve::MailHost& host, Endpoint endpoint, bool clear);
  Task<Hello> hand_shake(const resolve::MailHost& host, Endpoint endpoint, bool implicit);
  Task<Hello> log_in();
  bool wants_tls(Endpoint endpoint, bool clear) const;
  bool may_send_password() const;
  void note_trouble(mail::Reply reply, bool permanent = false);
  // flow.cpp
  Task<void> give_up();
  Job* take();
  Task<Job*> wait_for_job();
  Task<bool> must_make_way();
  bool worn_out() const;
  Task<void> say_goodbye();
  Task<void> drop_connection();
  Task<smtp::ClientEvent> next_event(Duration patience);
  Task<bool> exchange_bytes(Instant until);
  Task<bool> send_output(Instant deadline, std::span<const std::span<const std::byte>> more = {});
  // Null unless somebody traces this session.
  observe::SessionTrace* traced();
  void leave_start();
  Instant deadline(Duration patience) const;
  // transaction.cpp
  Task<void> transact(Job& job);
  Task<std::vector<Finding>> talk(Job& job, const spool::Spool::Loaded& loaded, spool::Body first);
  Task<bool> send_body(MessageId id, const scan::BodyFacts& facts, const spool::Body& first);
  Task<bool> send_part(const spool::Body& part, std::uint64_t offset, const scan::BodyFacts& facts);
  Task<bool> send_stuffed(std::span<const std::byte> slice, std::uint64_t offset,
                          const scan::BodyFacts& facts);
  std::vector<Finding> conclude(const Job& job, bool body_sent) const;
  Attempt attempt() const;

  Service::State& service_;
  shard::Core& core_;
  Destination& destination_;
  const std::shared_ptr<const Settings> settings_;
  const smtp::ClientSettings client_settings_;
  net::Dial dial_;
  std::unique_ptr<net::Connection> connection_;
  std::optional<smtp::ClientSession> session_;
  sasl::Credentials credentials_;
  smtp::TransactionResult result_;
  scan::DotStuffer stuffer_;
  std::vector<std::span<const std::byte>> pieces_;  // scratch of send_body
  mail::Envelope envelope_;
  observe::Traced trace_;
  mail::Reply lost_;  // why the connection ended, when the session cannot know
  Trouble trouble_;
  std::vector<Endpoint> tried_;
  std::string host_, remote_, tls_;
  Instant connected_at_, transaction_since_;
  Instant give_up_at_;          // of a transaction at level through
  std::uint32_t messages_ = 0;  // begun on this connection
  bool starting_ = true;        // counts in Destination::starting
  bool connected_ = false;      // counts in Destination::connected
  bool woken_ = false;
  bool over_ = false;  // the connection is of no more use
  bool died_ = false;  // it ended in the middle of the last transaction
  bool aborted_ = false;
};

}  // namespace ringpost::deliver
