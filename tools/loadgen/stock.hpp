// The messages of a run, made before it starts: to send one only its id, its time and its checksum are written.
//
// Layer:  tool, pure. Owner: the run; immutable afterwards, so all cores read one copy.
// Form:   front (our fields; patched copies are sent) + text (the rest, sent from here) + tail (patched, perhaps
//         empty). A generated body ends in a line with the id, so that no two bodies are equal; a real mail keeps
//         its own. By DATA the text goes out dot-stuffed, from a second copy where that differs.
// Limits: kBodiesMax, kBodiesBytesMax; kCorpusFilesMax, kCorpusBytesMax.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

#include "load_id.hpp"
#include "size_mix.hpp"
#include "weighted.hpp"

namespace ringpost::loadgen {

struct Sample {
  std::string front;                    // our header fields, with room for what is patched
  std::vector<std::uint32_t> id_slots;  // offsets in front
  std::uint32_t sent_slot = 0;
  std::uint32_t checksum_slot = 0;
  std::string text;            // CRLF; no bare CR or LF
  std::string stuffed;         // text for DATA; empty: the same
  std::uint32_t body_crc = 0;  // of the body within text
  bool has_tail = false;
  bool eight_bit = false;

  std::size_t tail_size() const;
  std::size_t size() const { return front.size() + text.size() + tail_size(); }
  std::string_view data_text() const { return stuffed.empty() ? text : stuffed; }
};

// One message of a sample: the parts that are its own. Kept and filled again, it allocates nothing.
struct OwnParts {
  std::string front;
  std::string tail;
  std::uint32_t checksum = 0;
  void fill(const Sample& sample, const LoadId& id, WallTime sent);
};

struct StockOptions {
  std::string from;
  std::string to;  // what the To field says
  std::uint64_t seed = 1;
  WallTime now;
};

// All messages of a run, in groups of a weight; those of a group take turns.
class Stock {
 public:
  void add(double weight, std::vector<Sample> group);
  // The sample of message `number`.
  const Sample& pick(std::uint64_t number) const;
  std::size_t size() const;
  double mean_size() const;

 private:
  std::vector<std::vector<Sample>> groups_;
  std::vector<double> weights_;
  WeightedChoice choice_;
};

// Random words; the size is met exactly when the header leaves room for a body.
std::vector<Sample> generate_stock(Bytes size, const StockOptions& options);
Stock generate_mix(const SizeMix& mix, const StockOptions& options);
// A real mail: line ends become CRLF, a From_ line goes, Message-ID becomes ours, the subject gets the id.
Sample sample_of_mail(std::string_view mail, const StockOptions& options);
// All mails of a folder, Maildir, mbox or tar.
Result<Stock> read_corpus(const std::string& path, const StockOptions& options);

}  // namespace ringpost::loadgen
