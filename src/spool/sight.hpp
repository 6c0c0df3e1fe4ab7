// The segments that an offline reader has seen, as the queue wants to know them.
//
// Layer: durable, private. Owner: who only looks. All shards in one queue, as if one core had adopted them: a segment gets
//        an index of its own.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "queue.hpp"

namespace ringpost::spool {

class Sight final : public Ledger {
 public:
  void add_live(journal::Location) override {}
  void drop_live(journal::Location) override {}
  void add_pin(journal::Location, std::span<const journal::SegmentName>) override {}
  void keep_beside_unread(journal::Location) override {}
  journal::SegmentName name_of(journal::Location where) const override {
    return segments_[where.segment].name;
  }
  std::uint32_t epoch_of(journal::Location where) const override { return segments_[where.segment].epoch; }

  std::uint32_t index_of(const journal::RecordView& view) {
    const auto [found, added] =
        index_.try_emplace({view.shard, view.where.segment}, static_cast<std::uint32_t>(segments_.size()));
    if (added)
      segments_.push_back({{view.shard, view.where.segment, view.sequence},
                           static_cast<std::uint32_t>(view.order >> (64 - MessageId::kEpochBits))});
    return found->second;
  }

 private:
  struct Seen {
    journal::SegmentName name;
    std::uint32_t epoch = 0;
  };
  std::map<std::pair<unsigned, std::uint32_t>, std::uint32_t> index_;
  std::vector<Seen> segments_;
};

}  // namespace ringpost::spool
