// Snapshots: the whole state of a user, in pieces; with it the changes before it need not be kept.
#include <algorithm>

#include "store_state.hpp"

namespace ringpost::store {

void Store::State::want_snapshot(const std::shared_ptr<User>& user) {
  if (user->snapshot_due) return;
  user->snapshot_due = true;
  snapshots_due.push_back(user);
  if (!writing_snapshots && !closing) core.spawn(write_snapshots(shared_from_this()));
}

// One after the other. One that cannot be written now is tried again at the upkeep.
Task<void> Store::State::write_snapshots(std::shared_ptr<State> self) {
  ++background;
  writing_snapshots = true;
  while (!snapshots_due.empty() && !closing) {
    const auto user = snapshots_due.front();
    snapshots_due.pop_front();
    user->snapshot_due = false;
    if (!co_await write_snapshot(user)) {
      user->snapshot_due = true;
      snapshots_due.push_back(user);
      break;
    }
    co_await shard::Yield{core};
  }
  writing_snapshots = false;
  --background;
  quiet.notify_all();
}

Task<Result<void>> Store::State::write_snapshot(std::shared_ptr<User> user) {
  while (user->is_snapshotting) co_await quiet.wait();
  if (closing) co_return fail(ErrorKind::temporary, "the server is going down");
  user->is_snapshotting = true;
  auto done = co_await write_pieces(user);
  user->is_snapshotting = false;
  quiet.notify_all();
  co_return done;
}

// What it shows is the state of now: durable, and with a number of its own.
Task<Result<void>> Store::State::write_pieces(std::shared_ptr<User> user) {
  const auto bytes = user->account->snapshot();
  const std::size_t count = std::max<std::size_t>(1, (bytes.size() + kSnapshotPiece - 1) / kSnapshotPiece);
  PieceHeader header{.lsn = user->account->lsn(),
                     .stamp = joined.next_id().value,
                     .size = bytes.size(),
                     .count = static_cast<std::uint32_t>(count)};
  std::vector<journal::Location> places;
  std::vector<std::uint64_t> frames;
  Result<void> done;
  for (; header.index < count && done; ++header.index) {
    const std::size_t at = header.index * kSnapshotPiece;
    const std::array parts{
        std::as_bytes(std::span(&header, 1)),
        std::span<const std::byte>(bytes).subspan(at, std::min(kSnapshotPiece, bytes.size() - at))};
    const journal::Record record{.type = static_cast<std::uint8_t>(RecordType::snapshot),
                                 .flags = 0,
                                 .id = {user->id().value},
                                 .parts = parts,
                                 .in_table = journal::InTable::payload,
                                 .summary = {}};
    journal::Location where;
    const auto ticket = co_await put({&record, 1}, {&where, 1}, true);
    if (!ticket) {
      done = fail(ticket.error());
      break;
    }
    log->add_live(where);
    places.push_back(where);
    frames.push_back(ticket->frame);
  }
  if (done) done = co_await log->durable({frames.back()});
  if (done && std::ranges::any_of(frames, [&](std::uint64_t frame) { return log->failed({frame}); }))
    done = fail(ErrorKind::temporary, "a part of the snapshot could not be written");
  if (!done) {
    for (const journal::Location where : places) log->drop_live(where);
    co_return done;
  }
  for (const journal::Location where : std::exchange(user->snapshot_places, std::move(places)))
    log->drop_live(where);
  user->snapshot_size = bytes.size();
  for (auto change = user->change_places.begin();
       change != user->change_places.end() && change->first <= header.lsn;) {
    log->drop_live(change->second);
    user->change_bytes -= change->second.size;
    change = user->change_places.erase(change);
  }
  figures.snapshots.add();
  figures.snapshot_bytes.add(bytes.size());
  co_return Result<void>{};
}

}  // namespace ringpost::store
