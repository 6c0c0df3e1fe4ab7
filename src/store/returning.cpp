#include "returning.hpp"

#include <algorithm>

#include "ringpost/store/limits.hpp"

namespace ringpost::store {

void Returning::change(const journal::RecordView& view) {
  const auto header = Reader(view.payload).get<ChangeHeader>();
  if (header.lsn == 0 || view.payload.size() < sizeof header) {
    ++senseless_;
    return;
  }
  if (header.lsn <= account_->lsn()) {
    // A copy that was carried.
    if (const auto place = change_places.find(header.lsn); place != change_places.end())
      place->second = view.where;
    return;
  }
  if (waiting_.size() >= kPendingRecordsMax) return;
  waiting_[header.lsn] = {{view.payload.begin(), view.payload.end()}, view.where};
  go_on();
}

void Returning::go_on() {
  while (!waiting_.empty() && waiting_.begin()->first <= account_->lsn() + 1) {
    const auto next = waiting_.begin();
    if (next->first == account_->lsn() + 1) {
      if (!account_->apply(next->second.change, nullptr)) ++senseless_;
      if (next->second.where) change_places[next->first] = next->second.where;
    }
    waiting_.erase(next);
  }
}

void Returning::snapshot(const journal::RecordView& view) {
  Reader reader(view.payload);
  const auto header = reader.get<PieceHeader>();
  if (!reader.good() || header.index >= header.count || header.count > kSnapshotPiecesMax) {
    ++senseless_;
    return;
  }
  if (header.lsn < account_->lsn()) return;
  Pieces& all = pieces_[header.stamp];
  all.lsn = header.lsn;
  all.size = header.size;
  all.pieces.resize(header.count);
  all.places.resize(header.count);
  const auto bytes = view.payload.subspan(sizeof header);
  if (!all.places[header.index]) ++all.present;
  all.pieces[header.index].assign(bytes.begin(), bytes.end());
  all.places[header.index] = view.where;
  if (all.present != header.count) return;
  whole(all);
  const std::uint64_t lsn = account_->lsn();
  std::erase_if(pieces_,
                [&](const auto& each) { return each.first == header.stamp || each.second.lsn < lsn; });
}

void Returning::whole(Pieces& pieces) {
  std::vector<std::byte> bytes;
  for (const auto& piece : pieces.pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
  auto account = bytes.size() == pieces.size ? Account::restore(account_->id(), pieces.lsn, bytes) : nullptr;
  if (account == nullptr) {
    ++senseless_;
    return;
  }
  base(std::move(account));
  snapshot_places = std::move(pieces.places);
  snapshot_size = bytes.size();
}

void Returning::base(std::unique_ptr<Account> account) {
  account_ = std::move(account);
  snapshot_places.clear();
  snapshot_size = 0;
  std::erase_if(change_places, [&](const auto& each) { return each.first <= account_->lsn(); });
  go_on();
}

std::uint64_t Returning::change_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [lsn, where] : change_places) sum += where.size;
  return sum;
}

std::vector<journal::Location> Returning::places() const {
  std::vector<journal::Location> all = snapshot_places;
  for (const auto& [lsn, where] : change_places) all.push_back(where);
  for (const auto& [lsn, waiting] : waiting_)
    if (waiting.where) all.push_back(waiting.where);
  return all;
}

Returning::Export Returning::give() const {
  Export all;
  all.has_base = account_->lsn() != 0;
  all.base_lsn = account_->lsn();
  if (all.has_base) all.base = account_->snapshot();
  for (const auto& [lsn, waiting] : waiting_) all.changes[lsn] = waiting.change;
  return all;
}

void Returning::take(const Export& from) {
  if (from.has_base && from.base_lsn > account_->lsn())
    if (auto account = Account::restore(account_->id(), from.base_lsn, from.base)) {
      base(std::move(account));
      taken_ = true;
    }
  for (const auto& [lsn, change] : from.changes)
    if (lsn > account_->lsn() && !waiting_.contains(lsn)) {
      waiting_[lsn] = {change, {}};
      taken_ = true;
    }
  go_on();
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> Returning::finish() {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps;
  while (!waiting_.empty()) {
    const std::uint64_t next = waiting_.begin()->first;
    gaps.emplace_back(account_->lsn() + 1, next - 1);
    account_->skip_to(next - 1);
    go_on();
  }
  pieces_.clear();
  return gaps;
}

}  // namespace ringpost::store
