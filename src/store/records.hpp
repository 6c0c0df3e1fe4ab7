// The records of the store, as they stand in the log. docs/spool.md tells an operator how to read them.
//
// Layer: durable, private, without I/O. Little-endian, no padding that is not named.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/log.hpp"
#include "ringpost/store/ids.hpp"
#include "ringpost/store/limits.hpp"
#include "ringpost/store/message.hpp"

namespace ringpost::store {

// The numbers are on disk; journal::Part has 32 to 63.
enum class RecordType : std::uint8_t {
  mail = 32,      // the bytes of a message, id is the blob
  chunk = 33,     // ChunkHeader and a part of a longer one
  facts = 34,     // what was prepared of the blob: opaque
  change = 35,    // ChangeHeader and operations; id is the user
  snapshot = 36,  // PieceHeader and a piece of the whole state of the user `id`
};

struct ChunkHeader {
  std::uint32_t index = 0;
  std::uint32_t count = 0;  // of the blob
};
static_assert(sizeof(ChunkHeader) == 8);

struct ChangeHeader {
  std::uint64_t lsn = 0;  // of the user: rises by one with each change
  std::uint32_t operations = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(ChangeHeader) == 16);

struct PieceHeader {
  std::uint64_t lsn = 0;    // of the last change that is in it
  std::uint64_t stamp = 0;  // of this snapshot: an id that is given once
  std::uint64_t size = 0;   // of the whole
  std::uint32_t index = 0;
  std::uint32_t count = 0;  // of pieces
};
static_assert(sizeof(PieceHeader) == 32);

// What a change is made of. The numbers are on disk.
enum class Operation : std::uint8_t {
  user_named = 1,     // text
  mailbox_made = 2,   // MailboxMade, text
  mailbox_named = 3,  // InMailbox, text
  mailbox_gone = 4,   // InMailbox
  special_use = 5,    // InMailbox (`value`)
  subscribed = 6,     // text; how 1: on, 0: off
  quota_set = 7,      // not written, and counts for nothing: accounts have the quotas
  added = 8,          // InMailbox, Message
  origin = 9,         // OriginSaid; how 1: delivered, 0: confirmed
  flags = 10,         // FlagsSaid, UidRange[]; how: 0 add, 1 remove, 2 replace
  expunged = 11,      // Expunged, UidRange[]
  keyword = 12,       // InMailbox (`value`: the bit), text
  copied = 13,        // CopiedSaid, std::uint8_t[64] (bits there for bits here; 255: none), UidRange[]
  user_gone = 14,     // nothing
  numbered = 15,      // Numbered
  annotated =
      16,  // InMailbox (`value`: size of the name; mailbox 0: of the user), name, value; how 1: set, 0: removed
  // InMailbox and, how 0: identifier (`value`: its rights; none: it leaves the list); how 1: nothing (as on the mailbox `value`)
  granted = 17,
};

struct OperationHeader {
  std::uint8_t type = 0;
  std::uint8_t how = 0;
  std::uint16_t reserved = 0;
  std::uint32_t size = 0;  // of what follows
};
struct InMailbox {
  std::uint32_t mailbox = 0;
  std::uint32_t value = 0;
};
struct MailboxMade {
  std::uint32_t mailbox = 0;
  std::uint32_t uid_validity = 0;
  std::uint32_t special_use = 0;
  std::uint32_t reserved = 0;
};
// UIDs as another server has given them: of a mailbox that has given none itself, or only the next one.
struct Numbered {
  std::uint32_t mailbox = 0;
  std::uint32_t uid_validity = 0;
  std::uint32_t uid_next = 0;
  std::uint32_t reserved = 0;
};
struct OriginSaid {
  std::uint64_t message = 0;
  std::uint32_t recipient = 0;
  std::uint32_t reserved = 0;
};
struct FlagsSaid {
  std::uint32_t mailbox = 0;
  std::uint16_t flags = 0;
  std::uint16_t reserved = 0;
  std::uint64_t keywords = 0;
  std::uint64_t modseq = 0;
};
struct Expunged {
  std::uint32_t mailbox = 0;
  std::uint32_t reserved = 0;
  std::uint64_t modseq = 0;
};
struct CopiedSaid {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t first_uid = 0;
  std::uint32_t save_date = 0;
  std::uint64_t modseq = 0;
};
static_assert(sizeof(OperationHeader) == 8 && sizeof(InMailbox) == 8 && sizeof(MailboxMade) == 16 &&
              sizeof(Numbered) == 16 && sizeof(FlagsSaid) == 24 && sizeof(Expunged) == 16 &&
              sizeof(CopiedSaid) == 24);
static_assert(sizeof(UidRange) == 8);

// Bytes of a record or a snapshot, one after the other.
class Writer {
 public:
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    put_bytes(std::as_bytes(std::span(&value, 1)));
  }
  void put_text(std::string_view text) {  // with its length
    put(static_cast<std::uint32_t>(text.size()));
    put_bytes(std::as_bytes(std::span(text)));
  }
  template <class T>
  void put_all(std::span<const T> items) {  // with their number
    put(static_cast<std::uint64_t>(items.size()));
    put_bytes(std::as_bytes(items));
  }
  void put_bytes(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::size_t size() const { return bytes_.size(); }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::vector<std::byte> take() { return std::move(bytes_); }
  void overwrite(std::size_t at, std::span<const std::byte> bytes) {
    std::memcpy(bytes_.data() + at, bytes.data(), bytes.size());
  }

 private:
  std::vector<std::byte> bytes_;
};

// The same, read: after what is not there, `good` is false and everything is 0 or empty.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}
  template <class T>
  T get() {
    T value{};
    const auto bytes = get_bytes(sizeof(T));
    if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> get_bytes(std::size_t size) {
    if (size > left_.size()) {
      good_ = false;
      left_ = {};
      return {};
    }
    const auto bytes = left_.first(size);
    left_ = left_.subspan(size);
    return bytes;
  }
  std::string_view get_text() { return as_text(get_bytes(get<std::uint32_t>())); }
  template <class T>
  void get_all(std::vector<T>& into) {
    const auto count = get<std::uint64_t>();
    if (count > left_.size() / sizeof(T)) {
      good_ = false;
      left_ = {};
      return;
    }
    into.resize(static_cast<std::size_t>(count));
    const auto bytes = get_bytes(into.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(into.data(), bytes.data(), bytes.size());
  }
  // What is left of it, as text or items.
  std::string_view rest_text() { return as_text(get_bytes(left_.size())); }
  template <class T>
  std::vector<T> rest() {
    std::vector<T> items(left_.size() / sizeof(T));
    const auto bytes = get_bytes(left_.size());
    if (!items.empty()) std::memcpy(items.data(), bytes.data(), items.size() * sizeof(T));
    return items;
  }
  bool good() const { return good_; }
  bool at_end() const { return left_.empty(); }

 private:
  static std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::span<const std::byte> left_;
  bool good_ = true;
};

// The operations of one change, encoded as they are added.
class Batch {
 public:
  Batch() { bytes_.put(ChangeHeader{}); }
  template <class... Fields>
  void add(Operation operation, std::uint8_t how, const Fields&... fields) {
    Writer body;
    (put(body, fields), ...);
    bytes_.put(OperationHeader{.type = static_cast<std::uint8_t>(operation),
                               .how = how,
                               .size = static_cast<std::uint32_t>(body.size())});
    bytes_.put_bytes(body.bytes());
    ++count_;
  }
  // All of another one.
  void add_all(const Batch& other) {
    bytes_.put_bytes(other.bytes_.bytes().subspan(sizeof(ChangeHeader)));
    count_ += other.count_;
  }
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return bytes_.size(); }
  // The whole record.
  std::span<const std::byte> finish(std::uint64_t lsn) {
    const ChangeHeader header{.lsn = lsn, .operations = count_};
    bytes_.overwrite(0, std::as_bytes(std::span(&header, 1)));
    return bytes_.bytes();
  }
  std::vector<std::byte> take() { return bytes_.take(); }

 private:
  static void put(Writer& body, std::string_view text) { body.put_bytes(std::as_bytes(std::span(text))); }
  static void put(Writer& body, std::span<const UidRange> ranges) { body.put_bytes(std::as_bytes(ranges)); }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  static void put(Writer& body, const T& value) {
    body.put(value);
  }
  Writer bytes_;
  std::uint32_t count_ = 0;
};

template <class Items, class Item>
bool contains(const Items& items, const Item& item) {
  return std::ranges::find(items, item) != std::ranges::end(items);
}

// Calls `visit(OperationHeader, Reader&)` for each; false: the record does not make sense.
template <class Visit>
bool for_each_operation(std::span<const std::byte> change, Visit visit) {
  Reader reader(change);
  const auto header = reader.get<ChangeHeader>();
  for (std::uint32_t i = 0; i < header.operations; ++i) {
    const auto operation = reader.get<OperationHeader>();
    const auto body = reader.get_bytes(operation.size);
    if (!reader.good()) return false;
    Reader inside(body);
    if (!visit(operation, inside) || !inside.good()) return false;
  }
  return reader.good();
}

}  // namespace ringpost::store
