// Asks DNS what the rules want to know of a message, and hands them the answers.
//
// Layer: paths. Owner: one for each core; its life encloses that of every message that is judged.
// Waits: all questions of a round at once, and all rounds together no longer than rbl_timeout of the .cf files (kDnsFactsTimeout
//        unless set). What did not come in time counts as not listed: DNS never holds mail up, and never refuses it.
// Cache: the resolver's, negative answers too.
#pragma once

#include "ringpost/filter/dns_answers.hpp"
#include "ringpost/intake/filtering.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/resolve/resolver.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::intake {

class DnsSource final : public FactSource {
 public:
  DnsSource(shard::Core& core, resolve::Resolver& resolver);
  Task<void> add(const filter::Engine& engine, const filter::MessageView& message,
                 filter::Facts& facts) override;
  friend FramePool& frame_pool(DnsSource& source) { return source.core_.frames(); }

 private:
  struct Round;
  Task<void> ask(Round& round, dns::Question question);

  shard::Core& core_;
  resolve::Resolver& resolver_;
  struct Figures {
    observe::Counter messages, questions, listed, failed;
  } figures_;
};

}  // namespace ringpost::intake
