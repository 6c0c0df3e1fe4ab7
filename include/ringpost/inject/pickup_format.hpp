// The file that the sendmail command leaves in the pickup directory, and how it gets there.
//
// Layer:  services; blocking, no core needed: for commands, and for the offload pool.
// Safety: a file has its final name only when all of it is on stable storage, so a reader never sees a part.
// Form:   lines of text that end in LF, an empty line, then exactly `Size` bytes of the message:
//           Ringpost-Pickup: 1
//           Sender: anna@example.com        may be missing: the user who owns the file; <> is the null sender
//           Recipient: bea@example.org      one or more; an address or a local name
//           Notify: FAILURE,DELAY           may follow a Recipient, and is of that one (RFC 3461)
//           Return: full | headers          may be missing
//           Envelope-Id: QQ314159           may be missing; xtext
//           Smtputf8: yes                   may be missing
//           Size: 1234
//         The message has LF or CRLF line ends. An unknown line makes the file a bad one: it may matter.
// Limits: inject/limits.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/mail/envelope.hpp"

namespace ringpost::inject {

struct PickupRecipient {
  std::string address;  // as given: bare names are completed by the server
  mail::Notify notify;
  bool operator==(const PickupRecipient&) const = default;
};

struct PickupMessage {
  std::optional<std::string> sender;  // not set: the user who writes it; "": the null sender
  std::vector<PickupRecipient> recipients;
  mail::DsnReturn dsn_return = mail::DsnReturn::unset;
  std::string envelope_id;
  bool smtputf8 = false;
  std::string body;  // header, empty line and text
};

// Names that readers look at; others in the directory are unfinished, or none of our business.
bool is_pickup_name(std::string_view name);

// Makes the directory as it must be (mode 03733: everybody may leave a file, nobody else may list or read them, and the
// files belong to the server's group) and its folder "bad". As root `uid` and `gid` become its owner.
Result<void> prepare_pickup(const std::string& directory, std::uint32_t uid, std::uint32_t gid);

// On stable storage when it returns; gives the name of the file. Errors name the directory; exhausted: no room.
Result<std::string> write_pickup(const std::string& directory, const PickupMessage& message);

// The text of a file, and back. Errors say what is wrong; nothing is assumed of the bytes.
std::string format_pickup(const PickupMessage& message);
Result<PickupMessage> parse_pickup(std::string_view bytes);

}  // namespace ringpost::inject
