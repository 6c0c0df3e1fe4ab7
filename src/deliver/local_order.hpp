// One delivery into one place, as plain values: what a thread of the offload pool or a child of the helper is told to do.
//
// Layer: services, private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "ringpost/base/units.hpp"
#include "ringpost/mail/reply.hpp"

namespace ringpost::deliver {

using Pieces = std::span<const std::span<const std::byte>>;

// Below a Maildir (Maildir++): where its owner finds spam.
inline constexpr const char* kJunkFolder = "/.Junk";

struct DeliveryOrder {
  enum class Kind : std::uint8_t { maildir, mbox, command, read_forward, read_include };
  Kind kind = Kind::maildir;
  bool from_forward = false;  // a command, file or list of the user's .forward; otherwise of the location
  std::uint32_t uid = 0;      // whom to become; in this process: who we are
  std::uint32_t gid = 0;
  std::uint64_t random = 0;  // for names that nobody guesses
  std::string target;        // path or command, expanded
  std::string user;          // the account
  std::string home;          // "" when it has none
  std::string hostname;
  std::string reverse_path;
  std::string recipient;           // as queued
  std::string original_recipient;  // "" when unknown
  std::string local_part;          // of the recipient, plain, with its extension
  std::string extension;
  std::string domain;
  WallTime arrival;
  Duration timeout{0};    // of a command
  Duration lock_wait{0};  // of a locked mbox; 0: look once
};

struct DeliveryOutcome {
  enum class Kind : std::uint8_t { done, deferred, failed };
  Kind kind = Kind::deferred;
  bool locked = false;  // deferred only because somebody else has the mailbox now
  mail::Reply reply;
  std::string text;  // read_forward, read_include: the file, "" when there is none

  static DeliveryOutcome done() { return {.kind = Kind::done, .reply = {250, {2, 0, 0}, "Delivered"}}; }
  static DeliveryOutcome deferred(int code, mail::EnhancedStatus status, std::string text) {
    return {.kind = Kind::deferred, .reply = {code, status, std::move(text)}};
  }
  static DeliveryOutcome failed(int code, mail::EnhancedStatus status, std::string text) {
    return {.kind = Kind::failed, .reply = {code, status, std::move(text)}};
  }
};

// ---- what blocks; each file below says how it delivers ----
DeliveryOutcome deliver_maildir(const DeliveryOrder& order, Pieces body);
// Waits for a lock no longer than until `cancel` (a descriptor, or -1) hangs up.
DeliveryOutcome deliver_mbox(const DeliveryOrder& order, Pieces body, int cancel = -1);
// Ends the command when `cancel` hangs up.
DeliveryOutcome run_command(const DeliveryOrder& order, Pieces body, int cancel);
// ~/.forward, in `text`. Failed: it is there, but must not be trusted; the reply says why.
DeliveryOutcome read_forward(const DeliveryOrder& order);
// The list at `target` that the user's .forward names, in `text`. One that must not be trusted has failed, one that is
// not there is deferred: it may come back.
DeliveryOutcome read_include(const DeliveryOrder& order);

// All by kind.
DeliveryOutcome carry_out(const DeliveryOrder& order, Pieces body, int cancel);

}  // namespace ringpost::deliver
