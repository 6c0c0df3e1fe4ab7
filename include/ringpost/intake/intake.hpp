// From a received envelope and body to a durable message. Every new message of the server takes this way: SMTP, LMTP,
// submission, the pickup directory, reports.
//
// Layer:  paths. Owner: one core; a Draft belongs to the flow that fills it.
// Copies: the body goes from the receive buffer into the draft's block (by the session's fused pass), then once, hot, into
//         the commit frame. Our Received line stands at the front of the same block.
// Large:  over kWholeBodyMax the body streams into the log in chunks while it arrives; chunks without an envelope are
//         dead bytes.
// Filter: mail that it concerns is judged when it is whole, and a large one when its first part is (filter.scan_size): what came
//         until then waits in the core's pool, so that a field may still be put in front and a refused body is never written.
//         Without rules nothing of this happens, and nothing is allocated for it.
// Errors: every refusal is a Reply with its enhanced status; nothing was promised then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/ids.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/buffer/pool.hpp"
#include "ringpost/intake/passages.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/mail/received.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/scan/body_facts.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::intake {

// The largest body that waits whole for its verdict: the largest block of the pool.
inline constexpr std::size_t kWholeBodyMax = buffer::Pool::kClasses.back();

// Whose mail it is, for the spam filter. Internal: reports, and what goes on under another address; never judged again.
enum class Direction : std::uint8_t { internal, inbound, outbound };

// Whence a message comes. Views must live until `finish` has returned.
struct Origin {
  IpAddress peer;              // none: made on this host
  std::string_view peer_name;  // by reverse DNS, confirmed
  std::string_view helo;
  std::string_view tls;  // "TLSv1.3 TLS_AES_256_GCM_SHA384", or ""
  std::string_view auth_user;
  std::string_view listener;  // its name in the configuration, "pickup" or "report"
  mail::WithProtocol protocol;
  std::string_view protocol_override;  // "local" for the pickup directory
  mail::Durability durability = mail::Durability::disk;
  bool submission = false;  // add Date, Message-ID and From where they are missing
  Direction direction = Direction::internal;
  std::uint16_t flags = 0;  // mail::kJunk of a mail that goes on
};

struct Settings {
  std::string hostname;
  unsigned hops_max = 50;
  Duration expire_after = std::chrono::hours(24 * 5);
  Duration report_expire_after = std::chrono::hours(24);  // of messages with the null sender
};

class Intake;
class Judge;
class FactSource;
struct FilterSettings;
struct Judgement;

// The bytes of one message on their way in.
class Draft {
 public:
  Draft(Draft&&) noexcept;
  ~Draft();

  MessageId id() const { return id_; }
  // Where the next body bytes go; empty: call `more_room` first.
  std::span<std::byte> space() { return block_.room(); }
  void advance(std::size_t count) { block_.fill(count); }
  // The message is lost: its bytes are dropped as they come.
  void discard() { block_.clear(); }

 private:
  friend class Intake;
  Draft();
  std::span<const std::byte> first_bytes() const { return (kept_.empty() ? block_ : kept_.front()).bytes(); }
  // Its bytes are elsewhere: their memory is given back.
  void let_go() {
    block_ = {};
    kept_.clear();
  }
  MessageId id_;
  buffer::Block block_;                      // [Received line][body]
  std::size_t received_size_ = 0;            // of our line at the front of the first block
  std::vector<buffer::Block> kept_;          // full ones before it, while a verdict is awaited
  std::unique_ptr<Judgement> judgement_;     // once there is one
  std::optional<spool::Incoming> incoming_;  // once the body has outgrown one block
  std::string added_;                        // Date, Message-ID, From
  std::uint64_t prefix_size_ = 0;            // all that stands before the body as stored
  std::size_t received_count_ = 0;
  bool header_seen_ = false;
};

struct Verdict {
  MessageId id;
  std::optional<mail::Reply> refusal;  // none: durable at the origin's level
  // At level through, without a refusal: what the client is to hear, for each recipient.
  std::vector<mail::Reply> replies;
};

class Intake {
 public:
  Intake(shard::Core& core, spool::Spool& spool, std::shared_ptr<const Settings> settings);
  ~Intake();

  // For the reload: drafts that have begun keep what they have.
  void set_settings(std::shared_ptr<const Settings> settings) { settings_ = std::move(settings); }

  // The spam filter; null: none. What is being judged goes on with what it began with.
  void set_filter(std::shared_ptr<const FilterSettings> settings);
  // Who adds facts before rules run, in this order; they outlive the intake.
  void set_fact_sources(std::vector<FactSource*> sources);

  // 452 4.3.1, counted, when a new message would be refused now for want of disk or memory.
  std::optional<mail::Reply> refuse_when_full(mail::Durability level = mail::Durability::disk);
  // `size_hint`: what the client said the body will have, or 0.
  std::expected<Draft, mail::Reply> begin(const Origin& origin, const mail::Envelope& envelope,
                                          std::uint64_t size_hint);
  // After Draft::space() has become empty.
  Task<std::optional<mail::Reply>> more_room(Draft& draft, const Origin& origin,
                                             const mail::Envelope& envelope);
  // The body is complete and judged well-formed; `facts` are those of the body alone.
  Task<Verdict> finish(Draft draft, const Origin& origin, const mail::Envelope& envelope,
                       const scan::BodyFacts& facts);

  // A whole message in memory at once: pickup and reports.
  Task<Verdict> take(std::span<const std::byte> message, const Origin& origin,
                     const mail::Envelope& envelope);
  // The same in pieces: what is sent on, with a field or two in front.
  Task<Verdict> take(std::span<const std::span<const std::byte>> pieces, const Origin& origin,
                     const mail::Envelope& envelope);

  // What is under way at level through.
  Passages& passages() { return passages_; }
  const Passages& passages() const { return passages_; }

  shard::Core& core() { return core_; }
  friend FramePool& frame_pool(Intake& intake) { return intake.core_.frames(); }

 private:
  void see_header(Draft& draft, const Origin& origin, const mail::Envelope& envelope);
  bool awaits_verdict(const Draft& draft, const Origin& origin) const;
  std::optional<mail::Reply> keep(Draft& draft);
  Task<std::optional<mail::Reply>> judge(Draft& draft, const Origin& origin, const mail::Envelope& envelope);
  static std::vector<std::span<const std::byte>> front_pieces(const Draft& draft);
  Task<Result<void>> spill(Draft& draft, const Origin& origin, const mail::Envelope& envelope);
  Task<Result<void>> store(Draft& draft, const Origin& origin, const mail::Envelope& envelope,
                           const mail::ArrivalFacts& facts);
  Task<Verdict> pass_on(Draft draft, const Origin& origin, const mail::Envelope& envelope,
                        const mail::ArrivalFacts& facts);
  Verdict refuse(const Draft& draft, const Origin& origin, const mail::Envelope& envelope, mail::Reply reply);
  std::optional<mail::Reply> loop(const Draft& draft) const;
  mail::ArrivalFacts arrival(const Draft& draft, const Origin& origin, const scan::BodyFacts& facts,
                             bool report, std::span<char> peer_text) const;
  void announce(const Draft& draft, const Origin& origin, const mail::Envelope& envelope,
                const mail::ArrivalFacts& facts);
  void announce_refusal(const Draft& draft, const Origin& origin, const mail::Envelope& envelope,
                        const mail::Reply& reply);

  shard::Core& core_;
  spool::Spool& spool_;
  std::shared_ptr<const Settings> settings_;
  std::string received_;  // scratch for the line being made
  std::unique_ptr<Judge> judge_;
  Passages passages_;
  struct Figures {
    observe::Counter messages, bytes, recipients, refused, refused_full, refused_loop, streamed;
  } figures_;
};

}  // namespace ringpost::intake
