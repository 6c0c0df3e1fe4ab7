// Whether a message matches a search program. What the store knows by itself is asked first, then the header, then texts.
//
// Layer:  services. Owner: one SEARCH, SORT or THREAD.
// RFCs:   9051 section 6.4.4, 5032 (WITHIN), 5182, 7162, 8474, 8514.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringpost/imap/search_key.hpp"

#include "message_parts.hpp"
#include "selection.hpp"

namespace ringpost::access {

// A text to be found, without case: as i;unicode-casemap compares, and fast where it is ASCII.
class Needle {
 public:
  explicit Needle(std::string_view utf8);
  bool in(std::string_view utf8) const;

 private:
  std::string ascii_;  // in lower case
  std::string key_;    // casemap_key, when it is not ASCII
};

class Search {
 public:
  Search(const Selection& selection, store::UserMail& user, WallTime now)
      : selection_(selection), user_(user), now_(now) {}

  // Before the first message. False: a sequence number in it does not exist.
  bool prepare(const imap::SearchKey& key);
  Task<Result<bool>> matches(const imap::SearchKey& key, const store::Message& message);

  friend FramePool& frame_pool(Search& search) { return frame_pool(search.user_); }

 private:
  enum class Known : std::uint8_t { no, yes, must_read };

  Known known(const imap::SearchKey& key, const store::Message& message) const;
  Known known_set(const imap::SearchKey& key, const store::Message& message) const;
  Task<Result<bool>> read(const imap::SearchKey& key, MessageParts& parts);
  Task<Result<bool>> in_header(const imap::SearchKey& key, MessageParts& parts);
  Task<Result<bool>> in_text(const imap::SearchKey& key, MessageParts& parts);
  Task<Result<bool>> sent(const imap::SearchKey& key, MessageParts& parts);

  const Selection& selection_;
  store::UserMail& user_;
  WallTime now_;
  // Sets and needles of the keys, made once.
  std::vector<std::pair<const imap::SearchKey*, store::UidSet>> sets_;
  std::vector<std::pair<const imap::SearchKey*, Needle>> needles_;
  // Of the message that is looked at, made once.
  std::optional<std::string> header_;
};

// Encoded words undone, in one line.
std::string decoded_field(std::string_view value);

}  // namespace ringpost::access
