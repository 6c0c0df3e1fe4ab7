// The servers that mail goes to: one for each domain, one where senders live, and one that keeps the mailboxes (LMTP).
//
// Layer: simulator. Owner: the World; on the core outside the machine. Speaks smtp::ServerSession.
// What they do wrong comes from the profile; what they were given goes to the ledger, byte for byte.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/net/connection.hpp"
#include "ringpost/smtp/server_session.hpp"

#include "coverage.hpp"
#include "io/sim_chance.hpp"
#include "ledger.hpp"
#include "profile.hpp"

namespace ringpost::simulator {

class Remotes {
 public:
  Remotes(shard::Core& core, const Profile& profile, Ledger& ledger, Coverage& coverage);
  ~Remotes();
  void be_kind() { rates_ = {}; }
  std::size_t open() const { return open_; }

  static Endpoint mailboxes() { return {IpAddress::ipv4(192, 0, 2, 200), 24}; }

 private:
  struct Site;
  struct Visit;
  enum class Mood : std::uint8_t { fair, defer, refuse, hang_up };

  Task<void> serve(Site& site, io::Handle socket);
  Task<void> talk(Visit& visit);
  Task<bool> send(Visit& visit);
  Task<bool> send_slowly(Visit& visit);
  Task<bool> receive(Visit& visit);
  void note_loss(const Visit& visit, const Error& error);
  Task<Mood> mood(Visit& visit, std::string_view at);
  Task<bool> judge(Visit& visit, smtp::Event::Kind kind);
  Task<bool> take(Visit& visit);
  Task<bool> say_garbage(Visit& visit);
  Task<bool> interrupt(Visit& visit);
  void keep(Visit& visit, const std::vector<std::string>& recipients);
  void keep_report(Visit& visit, std::string_view text, MessageId id, const std::string& recipient);
  void decide(Visit& visit, bool heard);
  bool strikes(std::uint32_t rate, std::string_view what);

  shard::Core& core_;
  Profile::Peers rates_;
  Ledger& ledger_;
  Coverage& coverage_;
  io::sim::Random random_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::size_t open_ = 0;
};

}  // namespace ringpost::simulator
