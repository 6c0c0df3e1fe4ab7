// Answers DNS over TCP, beside resolve::DnsServer over UDP: for responses that were cut off, and resolvers that insist.
//
// Layer:  tool. Owner: one core. A message is a length of two octets and that many more (RFC 1035 section 4.2.2);
//         queries on one connection are answered in order (RFC 7766).
// Limits: kDnsIdle; net's input bound holds one query.
#pragma once

#include <functional>
#include <memory>

#include "ringpost/dns/message.hpp"
#include "ringpost/net/connection.hpp"
#include "ringpost/shard/listener.hpp"

namespace ringpost::loadgen {

class DnsStream {
 public:
  using Respond = std::function<dns::Message(const dns::Query&)>;
  // `slot` as for shard::Listener.
  DnsStream(shard::Core& core, unsigned slot, io::Handle listening, Respond respond);
  void arm() { door_.arm(); }
  void stop();
  void abort();
  friend FramePool& frame_pool(DnsStream& self) { return self.core_.frames(); }

 private:
  struct Visit final : ListLink<> {
    explicit Visit(net::Connection& peer) : connection(peer) {}
    net::Connection& connection;
  };
  Task<void> serve(io::Handle socket);
  Task<bool> answer(net::Connection& connection);
  Task<void> close_door();

  shard::Core& core_;
  Respond respond_;
  IntrusiveList<Visit> visits_;
  shard::Listener door_;
};

}  // namespace ringpost::loadgen
