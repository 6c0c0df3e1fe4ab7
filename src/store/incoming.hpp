// A message whose bytes go to the log piece by piece: its blob is in the table from the start, held, and not whole until the last
// piece is there.
//
// Layer: durable, private. Owner: whoever appends it; dropped before the change that names it, its pieces count no more.
#pragma once

#include <memory>
#include <vector>

#include "records.hpp"
#include "store_state.hpp"

namespace ringpost::store {

class IncomingBlob final : public Incoming {
 public:
  // `store` outlives it: it is held.
  IncomingBlob(std::shared_ptr<Store::State> store, BlobId id, std::uint64_t size);
  ~IncomingBlob() override;

  std::uint64_t size() const override { return size_; }
  Task<Result<void>> write(std::span<const std::byte> chunk) override;
  Task<Result<void>> end(std::span<const std::byte> facts) override;
  // A chunk in parts, of which one more is put before them: parts.front() is taken for it.
  Task<Result<void>> write_parts(std::vector<std::span<const std::byte>> parts);

  BlobId id() const { return id_; }
  // The change that names it is given up when one of its frames has failed.
  void join(NewBlobs& held) const;
  friend FramePool& frame_pool(IncomingBlob& blob) { return blob.store_->core.frames(); }

 private:
  std::shared_ptr<Store::State> store_;
  BlobId id_;
  std::uint64_t size_;
  ChunkHeader next_;
  std::vector<std::uint64_t> frames_;
};

}  // namespace ringpost::store
