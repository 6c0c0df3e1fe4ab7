// Emptying a segment: what still counts in it is appended again. The copy counts at once; a failed frame gives the old place
// its meaning back, which cannot have been freed yet.
#include <algorithm>

#include "store_state.hpp"

namespace ringpost::store {

Task<Result<void>> Store::State::carry(const journal::RecordView& view) {
  if (!settled) co_return fail(ErrorKind::temporary, "the mailboxes are being read");
  switch (static_cast<RecordType>(view.type)) {
    case RecordType::mail:
    case RecordType::chunk:
    case RecordType::facts:
      co_return co_await carry_blob(view);
    case RecordType::change:
      co_return co_await carry_change(view);
    case RecordType::snapshot: {
      if (lent.contains(view.id.value))
        co_return fail(ErrorKind::temporary, "another core is taking it over");
      const auto user = find_user({view.id.value});
      if (user == nullptr ||
          std::ranges::find(user->snapshot_places, view.where) == user->snapshot_places.end())
        break;
      co_return co_await write_snapshot(user);
    }
  }
  co_return Result<void>{};
}

Task<Result<void>> Store::State::carry_blob(const journal::RecordView& view) {
  const Blob* blob = blobs.find(view.id);
  if (blob == nullptr || !blobs.has_place(*blob, view.where)) co_return Result<void>{};
  const std::array parts{view.payload};
  const auto record = record_of(static_cast<RecordType>(view.type), view.id, parts);
  journal::Location where;
  const auto ticket = RP_CO_TRY(co_await put({&record, 1}, {&where, 1}, true));
  if (!blobs.replace(view.id, view.where, where)) co_return Result<void>{};
  flying.push_back({.frame = ticket.frame,
                    .kind = Flying::Kind::moved_blob,
                    .user = nullptr,
                    .lsn = 0,
                    .change = {},
                    .silent = nullptr,
                    .blob = view.id,
                    .old = view.where,
                    .now = where});
  figures.moved.add();
  co_return Result<void>{};
}

Task<Result<void>> Store::State::carry_change(const journal::RecordView& view) {
  if (lent.contains(view.id.value)) co_return fail(ErrorKind::temporary, "another core is taking it over");
  const auto user = find_user({view.id.value});
  if (user == nullptr) co_return Result<void>{};
  const std::uint64_t lsn = Reader(view.payload).get<ChangeHeader>().lsn;
  const auto counts = [&] {
    const auto place = user->change_places.find(lsn);
    return place != user->change_places.end() && place->second == view.where;
  };
  if (!counts()) co_return Result<void>{};
  const std::array parts{view.payload};
  const journal::Record record{.type = view.type,
                               .flags = view.flags,
                               .id = view.id,
                               .parts = parts,
                               .in_table = journal::InTable::payload,
                               .summary = {}};
  journal::Location where;
  const auto ticket = RP_CO_TRY(co_await put({&record, 1}, {&where, 1}, true));
  if (!counts()) co_return Result<void>{};
  user->change_places[lsn] = where;
  log->add_live(where);
  log->drop_live(view.where);
  flying.push_back({.frame = ticket.frame,
                    .kind = Flying::Kind::moved_change,
                    .user = user,
                    .lsn = lsn,
                    .change = {},
                    .silent = nullptr,
                    .blob = {},
                    .old = view.where,
                    .now = where});
  figures.moved.add();
  co_return Result<void>{};
}

}  // namespace ringpost::store
