// Reading messages back: from commit buffers or from disk.
#include <algorithm>

#include <fmt/format.h>

#include "store_state.hpp"

namespace ringpost::store {

// Gathers the pieces of a Content.
class Reading {
 public:
  // `ahead`: what was read of it with another message.
  Reading(Store::State& store, BlobId id, std::optional<ReadAhead::Found> ahead)
      : store_(store), id_(id), ahead_(std::move(ahead)) {}

  Task<Result<Content>> read(std::uint64_t offset, std::uint64_t size) {
    const Blob* blob = store_.blobs.find(id_);
    if (blob == nullptr) co_return fail(ErrorKind::permanent, "the message has been expunged");
    const auto places = store_.blobs.places(*blob);
    if (places.empty()) co_return fail(ErrorKind::permanent, "the message is damaged on disk");
    if (ahead_) {
      take_ahead(offset, size);
      co_return std::move(content_);
    }
    const std::uint32_t header = header_size(*blob);
    std::uint64_t at = 0;
    for (const journal::Location where : places) {
      const std::uint64_t bytes = where.size - header;
      if (at + bytes > offset && content_.size_ < size) {
        const auto skip = static_cast<std::uint32_t>(offset > at ? offset - at : 0);
        const auto count =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes - skip, size - content_.size_));
        RP_CO_CHECK(co_await add(where, header + skip, count));
      }
      at += bytes;
    }
    co_return std::move(content_);
  }

  friend FramePool& frame_pool(Reading& reading) { return reading.store_.core.frames(); }

 private:
  void take_ahead(std::uint64_t offset, std::uint64_t size) {
    const std::size_t skip = std::min<std::uint64_t>(offset, ahead_->mail.size());
    const auto bytes = ahead_->mail.subspan(skip, std::min<std::uint64_t>(size, ahead_->mail.size() - skip));
    content_.size_ = bytes.size();
    if (!bytes.empty()) content_.pieces_.push_back(bytes);
    content_.ahead_ = std::move(ahead_->keeps);
  }

  // Pinned or copied. The blob may have gone, or have been moved, while others were read.
  Task<Result<void>> add(journal::Location where, std::uint32_t skip, std::uint32_t size) {
    const Blob* blob = store_.blobs.find(id_);
    if (blob == nullptr) co_return fail(ErrorKind::permanent, "the message has been expunged");
    if (!store::contains(store_.blobs.places(*blob), where))
      co_return fail(ErrorKind::temporary, "the message has just been moved");
    content_.size_ += size;
    if (journal::Pin pin = store_.log->pin(where)) {
      content_.pieces_.push_back(pin.bytes().subspan(skip, size));
      content_.pins_.push_back(std::move(pin));
      co_return Result<void>{};
    }
    std::vector<buffer::Block> blocks;
    std::vector<std::span<std::byte>> into;
    for (std::uint32_t left = size; left != 0;) {
      auto& block = blocks.emplace_back(
          store_.core.buffers().take(std::min<std::size_t>(left, buffer::Pool::kClasses.back())));
      if (!block) co_return fail(ErrorKind::exhausted, "no memory for a message");
      block.fill(std::min<std::size_t>(left, block.capacity()));
      left -= static_cast<std::uint32_t>(block.size());
      into.push_back(block.bytes());
      content_.pieces_.push_back(block.bytes());
    }
    RP_CO_CHECK(co_await store_.log->read(where, skip, std::move(into)));
    for (buffer::Block& block : blocks) content_.blocks_.push_back(std::move(block));
    co_return Result<void>{};
  }

  Store::State& store_;
  BlobId id_;
  std::optional<ReadAhead::Found> ahead_;
  Content content_;
};

// A move that ran meanwhile is no reason to fail: it is read again where it is now.
Task<Result<Content>> Store::State::read(BlobId id, std::uint64_t offset, std::uint64_t size, User* by) {
  constexpr int kAttempts = 3;
  const auto found = co_await look_ahead(id, by);
  for (int attempt = 1;; ++attempt) {
    Reading reading(*this, id, found);
    auto content = co_await reading.read(offset, size);
    if (content) co_return content;
    if (content.error().kind == ErrorKind::permanent && blobs.find(id) != nullptr) figures.damaged.add();
    if (content.error().kind != ErrorKind::temporary || attempt == kAttempts) co_return content;
  }
}

// Before a message is read from the disk whose neighbours will be wanted next, they all are.
Task<std::optional<ReadAhead::Found>> Store::State::look_ahead(BlobId id, User* by) {
  const auto next = by != nullptr ? by->reading.upcoming(*by->account, id) : std::span<const Message>();
  auto found = ahead.find(id);
  if (found || next.empty()) co_return found;
  const Blob* const blob = blobs.find(id);
  if (blob == nullptr || !blob->mail || log->peek(blob->mail).data() != nullptr) co_return std::nullopt;
  // The mailbox may change while they are read.
  co_await ahead.fill(*log, std::vector(next.begin(), next.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                         next.size(), kReadAheadMessages))));
  co_return ahead.find(id);
}

Task<Result<std::vector<std::byte>>> Store::State::facts(BlobId id, User* by) {
  const auto found = co_await look_ahead(id, by);
  const Blob* blob = blobs.find(id);
  if (blob == nullptr) co_return fail(ErrorKind::permanent, "the message has been expunged");
  if (found) co_return std::vector(found->facts.begin(), found->facts.end());
  co_return co_await read_record(blob->facts);
}

// Of nowhere: nothing.
Task<Result<std::vector<std::byte>>> Store::State::read_record(journal::Location where) {
  std::vector<std::byte> bytes(where.size);
  if (!where) co_return bytes;
  if (const auto hot = log->peek(where); hot.data() != nullptr)
    std::ranges::copy(hot, bytes.begin());
  else
    RP_CO_CHECK(co_await log->read(where, bytes));
  co_return bytes;
}

}  // namespace ringpost::store
