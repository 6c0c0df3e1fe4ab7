// Emptying a segment: what still counts in it is appended again.
#include <algorithm>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/limits.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/mail/limits.hpp"

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

// What is moved together fits a frame, whatever its recipients: body, envelope, state, and the segments that it leaves.
constexpr std::size_t kFrameLeast =
    static_cast<std::size_t>(journal::kSegmentSizeMin.count) - journal::kFirstFrame - journal::kBlockSize;
constexpr std::size_t kEnvelopeRecordMax =
    4096 + mail::kRecipientsMax * 16 + mail::kEnvelopeTextTaken + 10 * mail::kFactTextMax;
constexpr std::size_t kStateRecordMax =
    sizeof(StateHeader) + (mail::kRecipientsMax + kFinishedTargetsMax) * sizeof(StateItem);
constexpr std::size_t kMovedRecordMax = journal::kTargetsMax * sizeof(SegmentItem);
static_assert(kWholeMessageMax + kEnvelopeRecordMax + kStateRecordMax + kMovedRecordMax <= kFrameLeast);

}  // namespace

// Waits for the log; an error when it does not come.
Task<Result<void>> Spool::State::room() {
  if (closing || log->write_errors()) co_return fail(ErrorKind::temporary, "the log takes nothing");
  if (!co_await log->wait_for_room(core.now() + kRoomWait))
    co_return fail(ErrorKind::exhausted, "no room in the log");
  co_return Result<void>{};
}

Task<Result<void>> Spool::State::carry(const journal::RecordView& view) {
  if (!postponed.empty() || !lost_endings.empty()) co_return fail(ErrorKind::temporary, "other records wait");
  const Entry* entry = queue.find(view.id);
  switch (static_cast<RecordType>(view.type)) {
    case RecordType::body:
      if (entry != nullptr && entry->body() == view.where) co_return co_await move(view.id);
      break;
    case RecordType::envelope:
      if (entry != nullptr && entry->envelope == view.where) co_return co_await move(view.id);
      break;
    case RecordType::body_end:
      if (const Large* large = queue.large(view.id); large != nullptr && large->end == view.where)
        co_return co_await move(view.id);
      break;
    case RecordType::chunk:
      if (const auto id = queue.message_of_body(view.id.value)) co_return co_await move(*id);
      break;
    case RecordType::state:
      co_return co_await carry_state(view);
    case RecordType::done:
    case RecordType::moved:
      co_return co_await carry_ending(view);
    default:
      break;
  }
  co_return Result<void>{};
}

Task<Result<void>> Spool::State::carry_ending(const journal::RecordView& view) {
  if (!log->negates(view.where)) co_return Result<void>{};
  auto segments = decode_segments(view.payload);
  const auto own = log->name_of(view.where);
  std::erase_if(segments,
                [&](const journal::SegmentName& name) { return name == own || !log->in_use(name); });
  if (segments.empty()) co_return Result<void>{};
  // What an orphan shard says about itself concerns another shard as soon as it stands here.
  const auto flags = static_cast<std::uint8_t>(view.flags | foreign_flag(segments));
  while (!append_ending(view.id, segments, static_cast<RecordType>(view.type), flags))
    RP_CO_CHECK(co_await room());
  co_return Result<void>{};
}

Task<Result<void>> Spool::State::carry_state(const journal::RecordView& view) {
  while (true) {
    Entry* entry = queue.find(view.id);
    if (entry != nullptr) {
      if (entry->state == 0 || !queue.states().holds(entry->state, view.where)) co_return Result<void>{};
      if (write_state(*entry, {})) co_return Result<void>{};
    } else {
      if ((view.flags & kForeign) == 0 || elsewhere_released) co_return Result<void>{};
      // Of a message that another core has, which may not have written it down yet.
      Group group;
      group.add(RecordType::state, view.id, view.payload, view.flags);
      if (group.append(*log, figures, {.reserve = true})) {
        const journal::SegmentName elsewhere{.shard = ~0U};
        log->add_pin(group.where(RecordType::state), {&elsewhere, 1});
        co_return Result<void>{};
      }
    }
    RP_CO_CHECK(co_await room());
  }
}

Task<Result<void>> Spool::State::move(MessageId id) {
  const Entry* entry = queue.find(id);
  if (entry == nullptr || entry->is(Entry::in_memory)) co_return Result<void>{};
  // Its body and its envelope stand together, and each is asked for.
  if (!gathered.empty() && gathered.back().id == id) co_return Result<void>{};
  // All its pieces would go for a few that stand here, and leave the next segment as thin as this one.
  if (entry->is(Entry::large) && (id == left_large || !log->gains_by_moving(places_of(*entry)))) {
    left_large = id;
    co_return Result<void>{};
  }
  auto done = entry->is(Entry::large) ? co_await move_large(id) : co_await gather(id);
  // A message that cannot be read stays where it is: its segment is kept, for who can repair it.
  if (!done && done.error().kind == ErrorKind::permanent) co_return Result<void>{};
  co_return done;
}

// Messages that expire at about the same time stand together, so that their segment dies with them.
unsigned Spool::State::class_of(std::span<const std::byte> envelope) const {
  const auto decoded = mail::EnvelopeRecord::decode(envelope);
  if (!decoded) return 0;
  const Duration left = decoded->facts().expiry - core.wall_now();
  return static_cast<unsigned>(
      std::ranges::count_if(kColdClasses, [&](Duration least) { return left >= least; }));
}

// A message that is in another shard's segment too goes among new mail: it is voided there in the same frame.
unsigned Spool::State::stream_of(const Entry& entry, unsigned expiry_class, std::size_t size,
                                 std::size_t piece) const {
  if (expiry_class == 0 || !log->takes(expiry_class, size, piece)) return 0;
  return foreign_flag(queue.segments_of(entry)) != 0 ? 0 : expiry_class;
}

// Of its body and its envelope.
std::vector<journal::Location> Spool::State::places_of(const Entry& entry) const {
  std::vector<journal::Location> places = queue.body_records(entry);
  places.push_back(entry.envelope);
  if (const Large* large = queue.large({entry.id})) places.push_back(large->end);
  return places;
}

// Each segment with a part of it waits until damage of each part of the copy would be told.
void Spool::State::note_copies(const Entry& entry, const Copy& copy) const {
  std::vector<journal::Location> to{copy.envelope};
  if (copy.large) to.insert(to.end(), copy.large->chunks.begin(), copy.large->chunks.end());
  std::vector<journal::Location> from = places_of(entry);
  for (std::vector<journal::Location>* places : {&to, &from}) {
    std::ranges::sort(*places, {}, &journal::Location::segment);
    const auto [first, last] = std::ranges::unique(*places, {}, &journal::Location::segment);
    places->erase(first, last);
  }
  for (const journal::Location original : from)
    for (const journal::Location place : to) log->note_copy(original, place);
}

// Body or body end are in the group already. Appends and counts; afterwards the entry may have another address.
// Its state goes along in the first stream only: what a cold segment holds needs no order.
Result<void> Spool::State::place_moved(Entry& entry, Group& group, Copy copy,
                                       std::span<const std::byte> envelope, unsigned stream) {
  const MessageId id{entry.id};
  group.add_envelope(id, envelope, entry.recipients, copy.no_body);
  std::vector<std::byte> states;
  if (entry.state != 0 && stream == 0) {
    states = whole_state(entry.state);
    group.add(RecordType::state, id, states);
  }
  auto voided = queue.segments_of(entry);
  std::erase_if(voided, [&](const journal::SegmentName& name) { return name.shard == own_shard; });
  if (!voided.empty()) add_kept(voided, true);
  const auto names = encode_segments(voided);
  if (!voided.empty()) group.add(RecordType::moved, id, names, kForeign);
  RP_CHECK(group.append(*log, figures, {.reserve = true, .stream = stream}));
  copy.envelope = group.where(RecordType::envelope);
  copy.body = group.where(RecordType::body);
  if (copy.large) copy.large->end = group.where(RecordType::body_end);
  if (stream != 0) note_copies(entry, copy);
  queue.relocate(entry, std::move(copy));
  figures.moved.add();
  if (stream != 0) figures.moved_cold.add();
  if (const journal::Location where = group.where(RecordType::state)) {
    log->add_live(where);
    queue.states().take_records(entry.state, [&](journal::Location old) { log->drop_live(old); });
    queue.states().set_whole(entry.state, where);
  }
  if (const journal::Location where = group.where(RecordType::moved)) log->add_pin(where, voided);
  return {};
}

// Reads it, to be appended with others: each stream that is changed over to costs a write.
Task<Result<void>> Spool::State::gather(MessageId id) {
  Moving moving{.id = id, .place = queue.find(id)->envelope, .envelope = {}, .body = {}};
  const bool no_body = queue.find(id)->is(Entry::no_body);
  moving.envelope = RP_CO_TRY(co_await read_envelope(id));
  if (!no_body && queue.find(id) != nullptr) {
    const Body body = RP_CO_TRY(co_await part(id, 0, kMessageSizeMax.count));
    for (const auto piece : body.pieces()) moving.body.insert(moving.body.end(), piece.begin(), piece.end());
  }
  moving.expiry_class = class_of(moving.envelope);
  gathered_bytes += moving.envelope.size() + moving.body.size();
  gathered.push_back(std::move(moving));
  if (gathered_bytes >= kGatheredMax) co_return co_await place_gathered();
  co_return Result<void>{};
}

// One that has ended or moved meanwhile is left out.
Task<Result<void>> Spool::State::place(const Moving& moving) {
  const std::size_t size = moving.envelope.size() + moving.body.size() + 2 * sizeof(journal::RecordHeader);
  while (true) {
    Entry* entry = queue.find(moving.id);
    if (entry == nullptr || entry->envelope != moving.place) co_return Result<void>{};
    const unsigned stream = stream_of(*entry, moving.expiry_class, size, size);
    Group group;
    if (!moving.body.empty()) group.add(RecordType::body, moving.id, moving.body);
    auto placed = place_moved(*entry, group, {.no_body = entry->is(Entry::no_body)}, moving.envelope, stream);
    if (placed || placed.error().kind != ErrorKind::exhausted) co_return placed;
    // A file that was there for it may have gone to others: then the first stream takes it.
    if (log->takes(stream, size, size)) RP_CO_CHECK(co_await room());
  }
}

// What is not placed stays where it is, to be tried again.
Task<Result<void>> Spool::State::place_gathered() {
  gathered_bytes = 0;
  left_large = {};
  std::vector<Moving> all = std::exchange(gathered, {});
  if (closing || !postponed.empty() || !lost_endings.empty())
    co_return fail(ErrorKind::temporary, "other records wait");
  std::ranges::sort(all, {},
                    [](const Moving& each) { return std::pair(each.expiry_class, each.place.offset); });
  for (const Moving& moving : all) RP_CO_CHECK(co_await place(moving));
  co_return Result<void>{};
}

// All of it to one stream: recovery shows the end behind its chunks. One that does not take it to the end has it for nothing, and
// it is copied again, among new mail.
Task<Result<void>> Spool::State::move_large(MessageId id) {
  const auto envelope = RP_CO_TRY(co_await read_envelope(id));
  const Entry* entry = queue.find(id);
  if (entry == nullptr) co_return Result<void>{};
  const std::size_t size = queue.size_of(*entry) + envelope.size();
  const unsigned stream = stream_of(*entry, class_of(envelope), size, kChunkSize);
  if (stream != 0) {
    auto copied = co_await copy_large(id, envelope, stream);
    const bool no_file =
        !copied && copied.error().kind == ErrorKind::exhausted && !log->takes(stream, size, kChunkSize);
    if (!no_file) co_return copied;  // done, or it was something else that was wanting
  }
  if (log->has_room_for_copy(size, kChunkSize)) co_return co_await copy_large(id, envelope, 0);
  left_large = id;
  co_return Result<void>{};
}

// Chunk by chunk under a new body id; only the end makes them count.
Task<Result<void>> Spool::State::copy_large(MessageId id, std::span<const std::byte> envelope,
                                            unsigned stream) {
  Incoming::State moved{.spool = shared_from_this(),
                        .body_id = MessageId::make(start_info.epoch, own_shard, next_sequence++).value};
  const Entry* found = queue.find(id);
  if (found == nullptr) co_return Result<void>{};
  const journal::Location from = found->envelope;
  const std::uint64_t size = queue.size_of(*found);
  while (moved.size < size) {
    const auto body = RP_CO_TRY(co_await part(id, moved.size, kChunkSize));
    for (const auto piece : body.pieces())
      RP_CO_CHECK(co_await moved.put(piece, {.reserve = true, .stream = stream}));
    moved.size += body.size();
  }
  const BodyEnd end{
      .body_id = moved.body_id, .size = size, .chunk_count = static_cast<std::uint32_t>(moved.chunks.size())};
  while (true) {
    Entry* entry = queue.find(id);
    if (entry == nullptr || entry->envelope != from) co_return Result<void>{};
    for (const std::uint64_t frame : moved.frames)
      if (log->failed({frame})) co_return fail(ErrorKind::temporary, "a part could not be written");
    Group group;
    group.add(RecordType::body_end, id, std::as_bytes(std::span(&end, 1)));
    Copy copy;
    copy.large = Large{moved.body_id, size, moved.chunks, {}};
    auto placed = place_moved(*entry, group, std::move(copy), envelope, stream);
    if (placed) {
      for (const journal::Location chunk : std::exchange(moved.chunks, {})) log->drop_live(chunk);
      co_return placed;
    }
    if (placed.error().kind != ErrorKind::exhausted || !log->takes(stream, envelope.size(), envelope.size()))
      co_return placed;
    RP_CO_CHECK(co_await room());
  }
}

}  // namespace ringpost::spool
