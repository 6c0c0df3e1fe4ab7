// A server that does as its script says: the other end of what is sent, on the last core of a simulation.
//
// Owner: a test. It understands as much SMTP and LMTP as a script needs to be short; what it says is the script's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/net/connection.hpp"
#include "ringpost/tls/server_context.hpp"

namespace ringpost::deliver::test {

struct ReceivedMail {
  std::string from;             // the argument of MAIL
  std::vector<std::string> to;  // the arguments of the accepted RCPTs
  std::string body;             // without dot stuffing
  bool chunked = false;
  bool secure = false;
  unsigned connection = 0;  // counted from 1
};

class Peer {
 public:
  // What a line is answered with, instead of the reply that the peer would give by itself: "" is silence for ever, kHangUp
  // closes at once. nullopt: as usual.
  using Answer = std::function<std::optional<std::string>(const std::string& line, unsigned connection)>;
  static constexpr const char* kHangUp = "hang up";
  static constexpr const char* kDrip = "drip";  // a line of the reply every 10 s, and never the last one

  Peer(shard::Core& core, Endpoint endpoint);
  ~Peer();
  Task<void> stop();

  // ---- the script
  std::string greeting = "220 peer.test ESMTP";
  std::vector<std::string> offers{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"};
  Answer answer;  // to commands
  // To a whole message; LMTP asks once for each accepted recipient.
  std::function<std::optional<std::string>(const ReceivedMail& mail, std::size_t recipient)> judge;
  bool lmtp = false;
  Duration delay{0};  // before it answers a whole message
  std::shared_ptr<const tls::ServerContext> tls;
  bool garbage_for_tls = false;  // STARTTLS is answered with 220, the handshake with nonsense

  // ---- what came
  std::vector<ReceivedMail> mails;
  std::vector<std::string> lines;  // every command
  unsigned connections = 0;
  unsigned open = 0;
  unsigned open_max = 0;
  unsigned quits = 0;

 private:
  struct Accept;
  struct Visit;
  Task<void> serve(io::Handle socket);
  Task<void> talk(Visit& visit);
  Task<bool> obey(Visit& visit, std::string line);
  Task<bool> say(Visit& visit, std::string reply);
  Task<bool> take_data(Visit& visit);
  Task<bool> take_chunk(Visit& visit, std::size_t size, bool last);
  Task<bool> finish_mail(Visit& visit);
  Task<std::optional<std::string>> read_line(Visit& visit);
  std::string usual_answer(Visit& visit, const std::string& line);

  shard::Core& core_;
  unsigned closing_ = 0;
  std::unique_ptr<Accept> accept_;
};

}  // namespace ringpost::deliver::test
