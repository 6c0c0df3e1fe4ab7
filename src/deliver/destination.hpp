// Where mail goes: one receiving domain, server or mailbox, with the jobs that wait for it and the flows that serve it.
//
// Owner: Queue; it lives while it has jobs, flows, a pause to remember, or a slot on its way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ringpost/deliver/leases.hpp"
#include "ringpost/deliver/router.hpp"

#include "finding.hpp"
#include "job.hpp"

namespace ringpost::deliver {

class Flow;
// Tags of the lists that they may stand in.
struct IdleFlow;     // flows that wait for another message
struct WorkToDo;     // destinations that the dispatcher is to look at
struct WaitForRoom;  // destinations for which no further flow was allowed

class Destination final : public Leases::Waiter,
                          public shard::Timer,  // the end of its pause
                          public ListLink<WorkToDo>,
                          public ListLink<WaitForRoom> {
 public:
  Destination(Queue& queue, std::string key, std::string of_domain, const Route& by_route);
  ~Destination();

  void granted() override;
  void stand_in_line(bool stands);

  Queue& owner;
  const std::string name;    // the key
  const std::string domain;  // of the recipients; "" when many have this server
  Route route;               // as the newest mail for here was routed

  // ---- jobs
  IntrusiveList<Job, Destination> ready;
  // Before those: of them the log has said that they wait for the end of the pause.
  IntrusiveList<Job, Destination> put_off;
  std::uint32_t ready_count = 0;  // in both
  std::uint32_t job_count = 0;    // in whatever place
  std::uint32_t passing = 0;      // of these, at level through
  std::uint64_t parked = 0;       // ready messages behind those
  bool refilling = false;         // they are being read
  bool suspended = false;
  std::size_t gathered = 0;  // while a message is added: the number of its newest job for here, from 1

  // ---- flows
  IntrusiveList<Flow> flows;
  IntrusiveList<Flow, IdleFlow> idle;
  std::uint32_t flow_count = 0;
  std::uint32_t starting = 0;   // of these, without a message yet: connecting, or just woken
  std::uint32_t connected = 0;  // of these, connected and greeted
  std::uint32_t slots = 0;      // granted, for a flow that has not begun
  bool opening = false;         // asks for a slot
  bool in_line = false;         // a slot will be granted
  bool granted_early = false;   // it was, before we had heard that we stand in the line
  bool left_line = false;       // while going down: asked not to be granted one any more
  std::uint32_t errands = 0;    // slots on their way back

  // ---- health
  bool proven = false;         // the last connection worked: more than one may be opened at a time
  bool only_stored = false;    // the last mail went into the store and nowhere else
  std::uint32_t failures = 0;  // connections that failed, in a row
  Instant ramp_after;          // no further connection before, as long as there is one
  std::shared_ptr<const Setback> setback;  // the last one
  bool telling = false;                    // the log is being told of those that it puts off

  bool paused() const { return armed(); }
  // Connections cost a slot of the machine; mailboxes and the void do not.
  bool remote() const { return route.via != Via::mailbox && route.via != Via::discard; }
  bool idle_altogether() const {
    return job_count == 0 && parked == 0 && flow_count == 0 && slots == 0 && errands == 0 && !opening &&
           !in_line && !paused();
  }
};

}  // namespace ringpost::deliver
