// The index table of a segment: gathered while the segment is filled, written when it is sealed, read by recovery.
//
// Layer:  durable, private, without I/O. Owner: a Segment until it is sealed.
// Memory: 24 bytes for each record and what it says of it, in pieces of kTablePiece that are written as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/log.hpp"

#include "aligned_memory.hpp"

namespace ringpost::journal {

class IndexTable {
 public:
  explicit IndexTable(std::uint64_t first_commit_sequence) : first_(first_commit_sequence) {}

  // What `add` will take for it.
  static std::size_t size_of(const Record& record, std::size_t payload_size);
  // `payload` is the record's, as it stands in the frame.
  void add(const Record& record, Location where, std::uint64_t commit_sequence,
           std::span<const std::byte> payload);

  std::size_t size() const { return used_; }
  void finish(std::uint64_t salt, std::uint32_t epoch, std::uint64_t end);
  // The bytes to write at `at`, a multiple of kTablePiece, padded to a block; after finish.
  std::span<const std::byte> piece(std::size_t at) const;

 private:
  void put(std::span<const std::byte> bytes);

  std::uint64_t first_;
  std::vector<AlignedMemory> pieces_;
  std::size_t used_ = sizeof(TableHeader);
  std::uint32_t count_ = 0;
  std::uint32_t crc_ = 0;
};

// The entries of a table that verifies, one after the other; the table lives on as long.
class TableEntries {
 public:
  // Nothing when the table does not verify.
  static std::optional<TableEntries> of(std::span<const std::byte> table, std::uint64_t salt,
                                        std::uint64_t end);
  // False: that was all.
  bool next(TableEntry& entry, std::span<const std::byte>& bytes);

 private:
  explicit TableEntries(std::span<const std::byte> entries) : left_(entries) {}
  std::span<const std::byte> left_;
};

}  // namespace ringpost::journal
