// From a received envelope and body to a durable message. Every new message of the server takes this way: SMTP, LMTP,
// submission, the pickup directory, reports.
//
// Layer:  paths. Owner: one core; a Draft belongs to the flow that fills it.
// Copies: the body goes from the receive buffer into the draft's block (by the session's fused pass), then once, hot, into
//         the commit frame. Our Received line stands at the front of the same block.
// Large:  over kWholeBodyMax the body streams into the log in chunks while it arrives; chunks without an envelope are
//         dead bytes.
// Errors: every refusal is a Reply with its enhanced status; nothing was promised then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/address.hpp"
#include "ringpost/base/ids.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/buffer/pool.hpp"
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
};

struct Settings {
  std::string hostname;
  unsigned hops_max = 50;
  Duration expire_after = std::chrono::hours(24 * 5);
  Duration report_expire_after = std::chrono::hours(24);  // of messages with the null sender
};

class Intake;

// The bytes of one message on their way in.
class Draft {
 public:
  Draft(Draft&&) noexcept = default;

  MessageId id() const { return id_; }
  // Where the next body bytes go; empty: call `more_room` first.
  std::span<std::byte> space() { return block_.room(); }
  void advance(std::size_t count) { block_.fill(count); }
  // The message is lost: its bytes are dropped as they come.
  void discard() { block_.clear(); }

 private:
  friend class Intake;
  Draft() = default;
  MessageId id_;
  buffer::Block block_;                      // [Received line][body]
  std::size_t received_size_ = 0;            // of our line at the front of the first block
  std::optional<spool::Incoming> incoming_;  // once the body has outgrown one block
  std::string added_;                        // Date, Message-ID, From
  std::uint64_t prefix_size_ = 0;            // all that stands before the body as stored
  std::size_t received_count_ = 0;
  bool header_seen_ = false;
};

struct Verdict {
  MessageId id;
  std::optional<mail::Reply> refusal;  // none: durable at the origin's level
};

class Intake {
 public:
  Intake(shard::Core& core, spool::Spool& spool, std::shared_ptr<const Settings> settings);

  // For the reload: drafts that have begun keep what they have.
  void set_settings(std::shared_ptr<const Settings> settings) { settings_ = std::move(settings); }

  // 452 4.3.1, counted, when a new message would be refused now for want of disk or memory.
  std::optional<mail::Reply> refuse_when_full();
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

  shard::Core& core() { return core_; }
  friend FramePool& frame_pool(Intake& intake) { return intake.core_.frames(); }

 private:
  void see_header(Draft& draft, const Origin& origin, const mail::Envelope& envelope);
  Task<std::optional<mail::Reply>> spill(Draft& draft, const Origin& origin, const mail::Envelope& envelope);
  std::optional<mail::Reply> loop(const Draft& draft) const;
  mail::ArrivalFacts arrival(const Draft& draft, const Origin& origin, const scan::BodyFacts& facts,
                             bool report, std::span<char> peer_text) const;
  void announce(const Draft& draft, const Origin& origin, const mail::Envelope& envelope,
                const mail::ArrivalFacts& facts);
  void announce_refusal(const Origin& origin, const mail::Envelope& envelope, const mail::Reply& reply);

  shard::Core& core_;
  spool::Spool& spool_;
  std::shared_ptr<const Settings> settings_;
  std::string received_;  // scratch for the line being made
  struct Figures {
    observe::Counter messages, bytes, recipients, refused, refused_full, refused_loop, streamed;
  } figures_;
};

}  // namespace ringpost::intake
