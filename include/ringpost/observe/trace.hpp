// Sessions as they are spoken, for an operator who looks: lines of both sides, secrets blanked.
//
// Layer:   foundation. Owner of a Trace: one core writes, one thread drains; the core forgets it before it dies.
// Cost:    nothing when nobody traces: a session asks its core for the trace and gets null.
// Secrets: what follows AUTH, AUTHENTICATE, LOGIN or PASS (but for a mechanism's name), and every line of the client until the
//          server's final answer to it, becomes "***". So does what the client says before the server is heard: a trace may begin
//          within a login. The answer may be to an earlier command that came in one packet with it, or refuse it before the client
//          has said its secret: so what is no command stays "***" until the client says one.
//          Bodies and literals are counted, not shown; of answers to FETCH what is quoted is blanked.
// Limits:  observe/limits.hpp; a trace that is not drained in time loses lines, and counts them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/observe/event_ring.hpp"

namespace ringpost::observe {

struct TraceFilter {
  std::optional<Network> peer;
  std::string domain;  // of the sender or of a recipient, in lower case; "": any
};

// What one core tells of its sessions.
class Trace {
 public:
  Trace(std::uint64_t id, TraceFilter filter) : id_(id), filter_(std::move(filter)), ring_(kTraceRingBytes) {}
  std::uint64_t id() const { return id_; }  // no other trace of this process has it
  const TraceFilter& filter() const { return filter_; }
  EventRing& ring() { return ring_; }
  std::uint64_t next_session() { return ++sessions_; }

 private:
  std::uint64_t id_;
  TraceFilter filter_;
  EventRing ring_;
  std::uint64_t sessions_ = 0;
};

enum class Speaker : std::uint8_t { client, server };
class TraceWords;

// One session while it is traced. Dies with the session, or when the trace is another one than `trace_id`.
class SessionTrace {
 public:
  enum class Protocol : std::uint8_t { smtp, imap, pop3 };
  struct About {
    Protocol protocol = Protocol::smtp;
    unsigned core = 0;
    bool outbound = false;
    Endpoint peer;
    std::string_view place;  // the listener, or the destination
  };
  SessionTrace(Trace& trace, const About& about);
  ~SessionTrace();
  std::uint64_t trace_id() const { return trace_id_; }

  void said(Speaker who, std::string_view bytes, WallTime now);
  // Bytes of a message, which are not in what was `said`.
  void body(std::size_t count, Speaker who = Speaker::client);
  // Who has logged in: found by a trace of his domain.
  void account(std::string_view login);
  void ended(WallTime now) { note("ended", now); }

 private:
  struct Line {
    std::string_view who;
    std::string text;
    WallTime at;
  };
  // Of one side: a line that is not whole yet, and how many bytes come that are no lines.
  struct Heard {
    std::string line;  // as much of it as is shown
    std::string end;
    std::uint64_t literal = 0;
    void add(std::string_view bytes);
  };
  void line(Speaker who, Heard& heard, WallTime now);
  void note_body(WallTime now);
  void note(std::string text, WallTime now) { tell({"note", std::move(text), now}); }
  void look_for_domain(std::string_view address);
  void tell(Line line);
  void hold(Line line);
  void write(const Line& line);

  Trace& trace_;
  std::uint64_t trace_id_;
  std::string session_, peer_, place_;
  std::unique_ptr<TraceWords> words_;
  std::array<Heard, 2> heard_;  // by speaker
  std::size_t body_ = 0;
  bool wanted_;            // the peer is one of those asked for
  bool matched_;           // so is a domain of it
  std::deque<Line> held_;  // before a domain has matched
  std::size_t held_bytes_ = 0;
};

// The trace of one session, while there is one: for whoever has the session.
class Traced {
 public:
  // `about()` gives a SessionTrace::About, and is asked when a trace begins. Null unless somebody traces on this core now.
  template <class About>
  SessionTrace* by(Trace* now, About about) {
    if (now == nullptr && trace_ == nullptr) return nullptr;
    if (now == nullptr || (trace_ != nullptr && trace_->trace_id() != now->id())) trace_.reset();
    if (now != nullptr && trace_ == nullptr) trace_ = std::make_unique<SessionTrace>(*now, about());
    return trace_.get();
  }
  bool begun() const { return trace_ != nullptr; }
  void forget() { trace_.reset(); }

 private:
  std::unique_ptr<SessionTrace> trace_;
};

}  // namespace ringpost::observe
