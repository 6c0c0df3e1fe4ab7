// One stored message as FETCH and SEARCH look at it: its structure, and any part of its bytes.
//
// Layer:  services. Owner: one command, for one message.
// Cost:   the structure comes from the store's facts, and is made from the bytes only where there are none.
// RFCs:   9051 section 6.4.5 (sections), 3516 (BINARY).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/imap/fetch_item.hpp"
#include "ringpost/mail/mime.hpp"
#include "ringpost/store/user_mail.hpp"

namespace ringpost::access {

class MessageParts {
 public:
  MessageParts(store::UserMail& user, const store::Message& message) : user_(user), message_(message) {}

  const store::Message& message() const { return message_; }
  // Its views live as long as this.
  Task<Result<const mail::MimeStructure*>> structure();
  // Who hears of a message that is damaged.
  using Damaged = std::function<void(const store::Message& message, const Error& why)>;
  // The message's own. Of a damaged one `damaged` hears, and nothing is known.
  Task<Result<const mail::MessageEnvelope*>> envelope(const Damaged& damaged);

  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };
  // Where a section's bytes stand; nothing: there is no such part. Fields of a header are in `header_fields`.
  static std::optional<Range> range_of(const imap::Section& section, const mail::MimeStructure& structure,
                                       std::uint64_t message_size);
  Task<Result<store::Content>> read(Range range) {
    return user_.read(message_.blob, range.offset, range.size);
  }
  Task<Result<std::string>> text(Range range);
  // Reads all of it: an error when a part is damaged.
  Task<Result<void>> verify();
  // BODY[HEADER.FIELDS (...)]: the fields as they stand, and the empty line.
  static std::string header_fields(std::string_view header, const std::vector<std::string>& names,
                                   bool others);
  static bool knows_encoding(const mail::MimePart& part);
  // A part without its transfer encoding, which is known.
  Task<Result<std::string>> decoded(const mail::MimePart& part);

  friend FramePool& frame_pool(MessageParts& parts) { return frame_pool(parts.user_); }

 private:
  store::UserMail& user_;
  store::Message message_;
  std::string record_;
  std::optional<mail::MimeStructure> structure_;
};

std::string_view text_of(std::span<const std::byte> bytes);
bool same_word(std::string_view a, std::string_view b);  // ASCII, without case

}  // namespace ringpost::access
