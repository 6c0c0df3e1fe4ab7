// Where the stored bytes of messages lie, and how many messages refer to them.
//
// Layer:  durable, private. Owner: the store of one core.
// Counts: what is in the table is live in the log: from `keep` on, until the last reference has gone.
#pragma once

#include <unordered_map>
#include <vector>

#include "ringpost/base/id_table.hpp"
#include "ringpost/journal/log.hpp"

#include "account.hpp"
#include "records.hpp"

namespace ringpost::store {

struct Blob {
  std::uint64_t id = 0;
  journal::Location mail;   // nowhere: in chunks, or damage took it
  journal::Location facts;  // nowhere: none
  std::uint32_t refs = 0;   // messages of users of this core
  std::uint16_t holds = 0;  // changes on their way, and other cores that need it
  bool chunked = false;
  bool counted = false;  // its places are live in the log
};
static_assert(sizeof(Blob) == 40);

// One of the records of a blob.
struct BlobPart {
  RecordType type = RecordType::mail;
  std::uint32_t index = 0, count = 0;  // of a chunk
};

// One that is there as one record too has been brought so by an earlier version: then that counts.
inline bool in_chunks(const Blob& blob) {
  return blob.chunked && !blob.mail;
}
// What stands before the bytes in each of its records.
inline std::uint32_t header_size(const Blob& blob) {
  return in_chunks(blob) ? sizeof(ChunkHeader) : 0;
}

class Blobs final : public BlobRefs {
 public:
  void use(journal::Log& log) { log_ = &log; }

  // ---- while the log is read: the last copy of each counts
  void seen_mail(BlobId id, journal::Location where);
  void seen_facts(BlobId id, journal::Location where);
  void seen_chunk(BlobId id, const ChunkHeader& header, journal::Location where);
  // Keeps what is referred to or held, forgets the others. From then on places are counted.
  void settle();

  // ---- new ones, held once: until hold_over
  void put(BlobId id, journal::Location mail, journal::Location facts);
  // One whose chunks come one by one: not whole before the last of them.
  void begin_chunks(BlobId id, std::uint32_t count);
  void set_chunk(BlobId id, std::uint32_t index, journal::Location where);
  void set_facts(BlobId id, journal::Location where);
  void hold(BlobId id);
  void hold_over(BlobId id);
  void added(BlobId id) override;
  void removed(BlobId id) override;

  // ---- where
  Blob* find(BlobId id) { return table_.find(id); }
  // The records of the bytes, in order; empty when it is not (wholly) there.
  std::vector<journal::Location> places(const Blob& blob) const;
  // Whether it is one of the blob's places, whole or not.
  bool has_place(const Blob& blob, journal::Location where) const;
  // A copy has been appended: it counts in the place of the old one. False: the blob has no such place (any more).
  bool replace(BlobId id, journal::Location old, journal::Location now);

  // ---- of one that may not be whole
  std::vector<BlobPart> parts(const Blob& blob) const;
  journal::Location place_of(const Blob& blob, const BlobPart& part) const;  // nowhere: it is not here
  // False: nobody refers to the blob any more.
  bool add_part(BlobId id, const BlobPart& part, journal::Location where);
  void drop_part(BlobId id, const BlobPart& part);

  std::size_t size() const { return table_.size(); }
  std::size_t memory() const { return table_.memory(); }
  std::vector<BlobId> missing() const;  // referred to, but not (wholly) there

 private:
  struct Places {
    journal::Location mail, facts;
    std::vector<journal::Location> chunks;
  };
  Blob& entry(BlobId id);
  void place(Blob& blob, Places places);
  void drop_if_unused(Blob& blob);
  void count(const Blob& blob, bool live);
  bool whole(const Blob& blob) const;
  journal::Location* slot(Blob& blob, const BlobPart& part);

  journal::Log* log_ = nullptr;
  bool settled_ = false;
  IdTable<Blob> table_;
  std::unordered_map<std::uint64_t, std::vector<journal::Location>> chunks_;
};

}  // namespace ringpost::store
