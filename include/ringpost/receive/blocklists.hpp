// DNS lists at connect and RCPT: who is on which, and whether mail is refused for it.
//
// Layer:  services. BlocklistRules are immutable, made with the snapshot. Blocklists: one for each core; counts each list.
// Rules:  lists that apply are asked at once, and waited for no longer than the time-out. The weights of those that have an entry add
//         up; from the threshold on mail is refused with 554 5.7.1, the heaviest list and its TXT. One that allows and has an entry ends
//         it: the client is asked for no further. A failure of DNS, a silence, an answer outside of 127.0.0.0/8: not listed.
// Exempt: relay_networks, blocklists.allow, clients that have authenticated, and LMTP and submission listeners; their callers see to it.
// Limits: receive/limits.hpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/dns/answer.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/receive/blocklist_options.hpp"
#include "ringpost/resolve/resolver.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::receive {

// Addresses of IPv4 from the first to the last.
struct AnswerRange {
  IpAddress first, last;
  static std::optional<AnswerRange> parse(std::string_view text);
  bool contains(const IpAddress& address) const {
    return address.is_ipv4() && first <= address && address <= last;
  }
};

struct Blocklist {
  std::string name;
  std::string zone_text;
  dns::Name zone;
  BlocklistCheck check = BlocklistCheck::client;
  BlocklistAct act = BlocklistAct::reject;
  std::vector<AnswerRange> answers;
  int weight = 1;

  bool counts(const IpAddress& answer) const;
};

struct BlocklistRules {
  std::vector<Blocklist> lists;
  BlocklistsOptions options;

  bool asks(BlocklistCheck check) const;
  bool spares(const IpAddress& client) const;  // blocklists.allow
  bool empty() const { return lists.empty(); }
};
BlocklistRules make_blocklist_rules(const Named<BlocklistOptions>& lists, const BlocklistsOptions& options);

// Of whom the lists are asked. Views outlive the question.
struct BlocklistSubject {
  IpAddress client;
  std::string_view helo;
  std::string_view sender_domain;
  std::string_view recipient_domain;
};

class Blocklists {
 public:
  Blocklists(shard::Core& core, resolve::Resolver& resolver);
  ~Blocklists();

  // nullopt: nothing is said against it. With `client_only` lists of clients alone are asked.
  Task<std::optional<mail::Reply>> judge(std::shared_ptr<const BlocklistRules> rules,
                                         BlocklistSubject subject, bool client_only);
  // Gives each list its counter. At start alone: other threads read the registry while the server runs, so a list that a reload
  // brings is in the sums only.
  void count_for(const BlocklistRules& rules);

  friend FramePool& frame_pool(Blocklists& lists) { return lists.core_.frames(); }

 private:
  struct Inquiry;
  struct Counted;
  Task<void> ask(Inquiry& inquiry, std::size_t list);
  Task<std::string> reverse_name(IpAddress client, Instant deadline);
  Task<std::string> reason(dns::Name name, Instant deadline);
  Counted* counted(std::string_view name);

  shard::Core& core_;
  resolve::Resolver& resolver_;
  std::vector<std::unique_ptr<Counted>> counted_;
  struct Figures {
    observe::Counter asked, failed, rejected, allowed;
  } figures_;
};

}  // namespace ringpost::receive
