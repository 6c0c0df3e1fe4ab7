// A spool without its server: every message of the queue, read from the files, damaged ones too. What `ringpost spool
// check`, `stats`, `dump` and `export` say.
//
// Layer:  durable. Blocks; never writes, takes no lock. Beside a running server it sees a moment: the newest frames may
//         look like a torn tail, and a message may be gone when it is read.
// Memory: that of the index, for every message in the queue.
// Damage: what does not verify is gone around and named; the directory may lack its identity, headers, or parts of files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/journal/records.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/spool/inspect.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::spool {

class Archive {
 public:
  // Told after each segment; the numbers are bytes.
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;
  static Result<std::unique_ptr<Archive>> open(io::Files& files, const std::string& directory,
                                               const Progress& progress = {});
  ~Archive();

  const Inspection& inspection() const;
  // In no order.
  void for_each(const std::function<void(const InspectedMessage&)>& visit) const;
  bool contains(MessageId id) const;

  struct Stored {
    std::vector<std::byte> bytes;  // what `envelope` points into
    mail::EnvelopeRecord envelope;
    std::vector<Outcome> outcomes;  // one for each recipient
  };
  // Errors: permanent (unknown, or damaged).
  Result<Stored> read(MessageId id);
  // The message in pieces of at most kChunkSize or one record. Nothing more comes after an error, of the sink's too.
  using Sink = std::function<Result<void>(std::span<const std::byte>)>;
  Result<void> read_body(MessageId id, const Sink& sink);

 private:
  struct State;
  explicit Archive(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Every record of every shard, in the order of the files; the queue is not made. For who looks into the bytes.
struct DumpedRecord {
  unsigned shard = 0;
  journal::RecordView view;  // Location::segment is the number of the file
  std::string text;          // what it says, in one line
};
Result<void> dump(io::Files& files, const std::string& directory,
                  const std::function<void(const DumpedRecord&)>& visit, std::vector<InspectedShard>& shards);

}  // namespace ringpost::spool
