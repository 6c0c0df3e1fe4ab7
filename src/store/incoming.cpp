#include "incoming.hpp"

#include <array>
#include <utility>

#include "ringpost/base/assert.hpp"

namespace ringpost::store {

IncomingBlob::IncomingBlob(std::shared_ptr<Store::State> store, BlobId id, std::uint64_t size)
    : store_(std::move(store)),
      id_(id),
      size_(size),
      next_{.index = 0, .count = static_cast<std::uint32_t>((size + kChunkSize - 1) / kChunkSize)} {
  store_->blobs.begin_chunks(id_, next_.count);
}

IncomingBlob::~IncomingBlob() {
  store_->blobs.hold_over(id_);
}

Task<Result<void>> IncomingBlob::write(std::span<const std::byte> chunk) {
  return write_parts({{}, chunk});
}

Task<Result<void>> IncomingBlob::write_parts(std::vector<std::span<const std::byte>> parts) {
  RP_ASSERT(next_.index < next_.count);
  const ChunkHeader header = next_;
  parts.front() = std::as_bytes(std::span(&header, 1));
  const auto record = record_of(RecordType::chunk, id_, parts);
  journal::Location where;
  RP_CO_CHECK(store_->open_for_mail());
  const auto ticket = RP_CO_TRY(co_await store_->put({&record, 1}, {&where, 1}, false));
  store_->blobs.set_chunk(id_, header.index, where);
  frames_.push_back(ticket.frame);
  ++next_.index;
  co_return Result<void>{};
}

Task<Result<void>> IncomingBlob::end(std::span<const std::byte> facts) {
  RP_ASSERT(next_.index == next_.count);
  if (facts.empty() || facts.size() > kFactsSizeMax) co_return Result<void>{};
  const std::array parts{facts};
  const auto record = record_of(RecordType::facts, id_, parts);
  journal::Location where;
  const auto ticket = RP_CO_TRY(co_await store_->put({&record, 1}, {&where, 1}, false));
  store_->blobs.set_facts(id_, where);
  frames_.push_back(ticket.frame);
  co_return Result<void>{};
}

void IncomingBlob::join(NewBlobs& held) const {
  for (const std::uint64_t frame : frames_) {
    store_->blobs.hold(id_);
    held.add(id_, frame);
  }
}

}  // namespace ringpost::store
