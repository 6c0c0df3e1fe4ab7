// Sessions as they are spoken, for an operator who looks: lines of both sides, secrets blanked.
//
// Layer:   foundation. Owner of a Trace: one core writes, one thread drains; the core forgets it before it dies.
// Cost:    nothing when nobody traces: a session asks its core for the trace and gets null.
// Secrets: what follows AUTH and its mechanism, and every line of the client until the server's final answer to it,
//          becomes "***". So does what the client says before the server is heard: a trace may begin within an AUTH.
//          The answer may be to an earlier command that came in one packet with the AUTH, or refuse the AUTH before the
//          client has said its secret: so what is no command stays "***" until the client says one.
//          Bodies are counted, not shown.
// Limits:  observe/limits.hpp; a trace that is not drained in time loses lines, and counts them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
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

// One session while it is traced. Dies with the session, or when the trace is another one than `trace_id`.
class SessionTrace {
 public:
  struct About {
    unsigned core = 0;
    bool outbound = false;
    Endpoint peer;
    std::string_view place;  // the listener, or the destination
  };
  SessionTrace(Trace& trace, const About& about);
  std::uint64_t trace_id() const { return trace_id_; }

  void said(Speaker who, std::string_view bytes, WallTime now);
  void body(std::size_t count) { body_ += count; }
  void ended(WallTime now) { note("ended", now); }

 private:
  struct Line {
    std::string_view who;
    std::string text;
    WallTime at;
  };
  void line(Speaker who, std::string text, WallTime now);
  void note_body(WallTime now);
  void note(std::string text, WallTime now) { tell({"note", std::move(text), now}); }
  std::string without_secrets(Speaker who, std::string text);
  void look_for_domain(std::string_view text);
  void tell(Line line);
  void hold(Line line);
  void write(const Line& line);

  Trace& trace_;
  std::uint64_t trace_id_;
  std::string session_, peer_, place_;
  std::array<std::string, 2> partial_;  // by speaker
  std::size_t body_ = 0;
  bool wanted_;   // the peer is one of those asked for
  bool matched_;  // so is a domain of it
  enum class Login : std::uint8_t { none, under_way, answered };
  Login login_ = Login::under_way;
  std::deque<Line> held_;  // before a domain has matched
  std::size_t held_bytes_ = 0;
};

}  // namespace ringpost::observe
