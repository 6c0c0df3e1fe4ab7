#include "blobs.hpp"

#include <algorithm>
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/store/limits.hpp"

namespace ringpost::store {

namespace {

constexpr std::uint32_t kChunksMax = static_cast<std::uint32_t>(kMessageSizeMax.count / kChunkSize) + 1;

}  // namespace

Blob& Blobs::entry(BlobId id) {
  Blob* found = table_.find(id);
  return found != nullptr ? *found : table_.insert(id);
}

void Blobs::seen_mail(BlobId id, journal::Location where) {
  if (id) entry(id).mail = where;
}
void Blobs::seen_facts(BlobId id, journal::Location where) {
  if (id) entry(id).facts = where;
}
void Blobs::seen_chunk(BlobId id, const ChunkHeader& header, journal::Location where) {
  if (!id || header.count > kChunksMax || header.index >= header.count) return;
  entry(id).chunked = true;
  auto& chunks = chunks_[id.value];
  chunks.resize(header.count);
  chunks[header.index] = where;
}

bool Blobs::whole(const Blob& blob) const {
  if (!in_chunks(blob)) return static_cast<bool>(blob.mail);
  return std::ranges::all_of(chunks_.at(blob.id),
                             [](journal::Location where) { return static_cast<bool>(where); });
}

void Blobs::settle() {
  settled_ = true;
  std::vector<BlobId> unused;
  table_.for_each([&](Blob& blob) {
    if (blob.refs + blob.holds == 0)
      unused.push_back({blob.id});
    else if (!std::exchange(blob.counted, true))
      count(blob, true);
  });
  for (const BlobId id : unused) {
    chunks_.erase(id.value);
    table_.erase(id);
  }
}

void Blobs::count(const Blob& blob, bool live) {
  const auto one = [&](journal::Location where) {
    if (!where) return;
    if (live)
      log_->add_live(where);
    else
      log_->drop_live(where);
  };
  one(blob.mail);
  one(blob.facts);
  if (blob.chunked)
    for (const journal::Location where : chunks_.at(blob.id)) one(where);
}

void Blobs::put(BlobId id, journal::Location mail, journal::Location facts) {
  place(entry(id), {.mail = mail, .facts = facts, .chunks = {}});
}

void Blobs::begin_chunks(BlobId id, std::uint32_t count) {
  place(entry(id), {.mail = {}, .facts = {}, .chunks = std::vector<journal::Location>(count)});
}

void Blobs::set_chunk(BlobId id, std::uint32_t index, journal::Location where) {
  chunks_.at(id.value).at(index) = where;
  log_->add_live(where);
}

void Blobs::set_facts(BlobId id, journal::Location where) {
  entry(id).facts = where;
  log_->add_live(where);
}

// There may be something: what an earlier attempt has left, or what damage has.
void Blobs::place(Blob& blob, Places places) {
  if (blob.counted) count(blob, false);
  blob.mail = places.mail;
  blob.facts = places.facts;
  blob.chunked = !places.chunks.empty();
  chunks_.erase(blob.id);
  if (blob.chunked) chunks_[blob.id] = std::move(places.chunks);
  ++blob.holds;
  blob.counted = true;
  count(blob, true);
}

void Blobs::hold(BlobId id) {
  if (Blob* blob = table_.find(id)) ++blob->holds;
}

void Blobs::hold_over(BlobId id) {
  Blob* blob = table_.find(id);
  if (blob == nullptr) return;
  RP_ASSERT(blob->holds != 0);
  --blob->holds;
  drop_if_unused(*blob);
}

void Blobs::added(BlobId id) {
  ++entry(id).refs;
}

void Blobs::removed(BlobId id) {
  Blob* blob = table_.find(id);
  if (blob == nullptr || blob->refs == 0) return;
  --blob->refs;
  drop_if_unused(*blob);
}

void Blobs::drop_if_unused(Blob& blob) {
  if (!settled_ || blob.refs + blob.holds != 0) return;
  if (blob.counted) count(blob, false);
  const BlobId id{blob.id};
  chunks_.erase(id.value);
  table_.erase(id);
}

std::vector<journal::Location> Blobs::places(const Blob& blob) const {
  if (!whole(blob)) return {};
  if (in_chunks(blob)) return chunks_.at(blob.id);
  return {blob.mail};
}

std::vector<BlobPart> Blobs::parts(const Blob& blob) const {
  std::vector<BlobPart> here;
  if (blob.mail) here.push_back({.type = RecordType::mail});
  if (blob.chunked) {
    const auto& chunks = chunks_.at(blob.id);
    for (std::uint32_t i = 0; i < chunks.size(); ++i)
      if (chunks[i])
        here.push_back(
            {.type = RecordType::chunk, .index = i, .count = static_cast<std::uint32_t>(chunks.size())});
  }
  if (blob.facts) here.push_back({.type = RecordType::facts});
  return here;
}

journal::Location Blobs::place_of(const Blob& blob, const BlobPart& part) const {
  if (part.type == RecordType::mail) return blob.mail;
  if (part.type == RecordType::facts) return blob.facts;
  if (!blob.chunked) return {};
  const auto& chunks = chunks_.at(blob.id);
  return part.index < chunks.size() ? chunks[part.index] : journal::Location{};
}

journal::Location* Blobs::slot(Blob& blob, const BlobPart& part) {
  if (part.type == RecordType::mail) return &blob.mail;
  if (part.type == RecordType::facts) return &blob.facts;
  blob.chunked = true;
  auto& chunks = chunks_[blob.id];
  if (chunks.size() < part.count) chunks.resize(part.count);
  return &chunks.at(part.index);
}

bool Blobs::add_part(BlobId id, const BlobPart& part, journal::Location where) {
  Blob* blob = table_.find(id);
  if (blob == nullptr) return false;
  if (!std::exchange(blob->counted, true)) count(*blob, true);
  *slot(*blob, part) = where;
  log_->add_live(where);
  return true;
}

void Blobs::drop_part(BlobId id, const BlobPart& part) {
  Blob* blob = table_.find(id);
  if (blob == nullptr) return;
  if (const auto where = std::exchange(*slot(*blob, part), {})) log_->drop_live(where);
}

bool Blobs::has_place(const Blob& blob, journal::Location where) const {
  if (blob.mail == where || blob.facts == where) return true;
  return blob.chunked && std::ranges::find(chunks_.at(blob.id), where) != chunks_.at(blob.id).end();
}

bool Blobs::replace(BlobId id, journal::Location old, journal::Location now) {
  Blob* blob = table_.find(id);
  if (blob == nullptr || !blob->counted) return false;
  journal::Location* place = nullptr;
  if (blob->mail == old) place = &blob->mail;
  if (blob->facts == old) place = &blob->facts;
  if (place == nullptr && blob->chunked) {
    auto& chunks = chunks_.at(id.value);
    const auto found = std::ranges::find(chunks, old);
    if (found != chunks.end()) place = &*found;
  }
  if (place == nullptr) return false;
  *place = now;
  log_->add_live(now);
  log_->drop_live(old);
  return true;
}

std::vector<BlobId> Blobs::missing() const {
  std::vector<BlobId> ids;
  table_.for_each([&](const Blob& blob) {
    if (blob.refs != 0 && !whole(blob)) ids.push_back({blob.id});
  });
  return ids;
}

}  // namespace ringpost::store
