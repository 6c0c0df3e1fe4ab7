#include "coverage.hpp"

namespace ringpost::simulator {

namespace {

// Each fault, each state of the machine, each oracle. Who adds one to the simulator adds it here.
constexpr std::string_view kToReach[] = {
    "clients: 250",
    "clients: 451",
    "clients: 452",
    "clients: dawdled",
    "clients: left in the middle",
    "clients: no connection",
    "clients: no reply to the body",
    "clients: not greeted",
    "disk: a block cannot be read any more",
    "disk: a stored bit turned over",
    "disk: error of a cold call",
    "disk: file broken for writes",
    "disk: misdirected write",
    "disk: read error",
    "disk: short write",
    "disk: slow operation",
    "disk: write error",
    "disk: write under way at a kill",
    "disk: write under way at a power cut",
    "disk: wrong bit in a read",
    "machine: a core stood still",
    "machine: could not start",
    "machine: disk full",
    "machine: gave up its start",
    "machine: kill while opening",
    "machine: kill while running",
    "machine: kill while starting",
    "machine: power cut while opening",
    "machine: power cut while running",
    "machine: power cut while starting",
    "machine: power cut while stopping",
    "machine: started with 1 cores",
    "machine: started with 2 cores",
    "machine: started with 3 cores",
    "machine: started with 4 cores",
    "machine: stood still",
    "machine: stopped in good order",
    "machine: the time of day jumped",
    "names: a name that exists does not",
    "names: another's exchanger",
    "names: failure",
    "names: garbage",
    "names: silence",
    "network: accept ended",
    "network: late completion",
    "network: no receive buffer",
    "network: reset",
    "network: stall",
    "oracle: a promise ended as an arrival",
    "oracle: a promise ended otherwise",
    "oracle: a frame was seen on its way to the disk",
    "oracle: an arrival again, after a crash",
    "oracle: an arrival again, after a lost 250",
    "oracle: an end became durable",
    "oracle: an end had to wait for the disk",
    "oracle: an ended message looked for after a start",
    "oracle: an open promise looked for after a start",
    "oracle: bytes of an arrival compared",
    "oracle: connections to a host at their limit",
    "oracle: connections to a host counted",
    "oracle: figures counted again",
    "oracle: figures counted again when idle",
    "oracle: messages excused after a misdirected write",
    "oracle: queue compared after a start",
    "oracle: report read",
    "oracle: the place of a failed frame is watched",
    "oracle: time to a delivery when nothing goes wrong",
    "peers: 250 lost",
    "peers: 4yz",
    "peers: 5yz",
    "peers: garbage",
    "peers: hung up",
    "peers: interrupted a body",
    "peers: mail for another's domain refused",
    "peers: silence",
    "recovery: damages",
    "recovery: torn tails",
    "recovery: voided frames",
    "server: bounced",
    "server: deferred",
    "server: delivered",
    "server: expired",
    "server: received",
};

}  // namespace

std::vector<std::string_view> Coverage::missed() const {
  std::vector<std::string_view> missed;
  for (const std::string_view what : kToReach)
    if (!counts_.contains(what)) missed.push_back(what);
  return missed;
}

}  // namespace ringpost::simulator
