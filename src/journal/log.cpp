#include "ringpost/journal/log.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

#include "log_state.hpp"

namespace ringpost::journal {

Pin::Pin(Pin&& other) noexcept
    : buffer_(std::exchange(other.buffer_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}

Pin& Pin::operator=(Pin&& other) noexcept {
  std::swap(buffer_, other.buffer_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Pin::~Pin() {
  if (buffer_ != nullptr) buffer_->release();
}

Task<Result<std::unique_ptr<Log>>> Log::open(shard::Core& core, LogOptions options, Place place) {
  const std::uint64_t size = options.segment_size.count;
  if (size < kSegmentSizeMin.count || size > kSegmentSizeMax.count || size % kBlockSize != 0)
    co_return fail(ErrorKind::permanent, fmt::format("a segment cannot have {} bytes", size));
  std::unique_ptr<Log> log(new Log(std::make_shared<State>(core, options, std::move(place))));
  auto opened = co_await log->state_->open_all();
  if (!opened) {
    co_await log->state_->close();
    co_return fail(
        std::move(opened).error().in(fmt::format("open the log in {}", log->state_->place.directory)));
  }
  co_return log;
}

Task<Result<void>> Log::recover(Visit visit, RecoveryReport* report, Ahead ahead) {
  auto done = co_await state_->recover(
      {.visit = [&](const RecordView& view) { visit(*this, view); }, .ahead = std::move(ahead)});
  if (report != nullptr) *report = std::move(state_->found_at_start);
  if (!done)
    co_return fail(std::move(done).error().in(fmt::format("read the log in {}", state_->place.directory)));
  co_return done;
}

Task<Result<std::unique_ptr<Log>>> Log::open(shard::Core& core, LogOptions options, Place place, Visit visit,
                                             RecoveryReport* report) {
  auto log = RP_CO_TRY(co_await open(core, options, std::move(place)));
  auto recovered = co_await log->recover(std::move(visit), report);
  if (recovered) co_return log;
  co_await log->close();
  co_return fail(std::move(recovered).error());
}

Log::Log(std::shared_ptr<State> state) : state_(std::move(state)) {}
Log::~Log() = default;

FramePool& Log::frames() {
  return state_->core.frames();
}

Result<Ticket> Log::append(std::span<const Record> records, std::span<Location> where, Appending how) {
  return state_->append(records, where, how);
}

bool Log::takes(unsigned stream, std::size_t size, std::size_t piece) const {
  return state_->takes(stream, size, piece);
}

bool Log::has_room_for_copy(std::size_t size, std::size_t piece) const {
  return state_->has_room_for_copy(size, piece);
}

shard::Signal::Waiting Log::wait_for_room(Instant deadline) {
  return state_->room.wait(deadline);
}

std::size_t Log::payload_max(std::size_t records) const {
  return (state_->frame_max - records * sizeof(RecordHeader)) / 8 * 8;
}

Log::Durable Log::durable(Ticket ticket) {
  return {*this, ticket};
}
Ticket Log::newest_settled() const {
  return {state_->settled};
}
bool Log::failed(Ticket ticket) const {
  return state_->failed(ticket.frame);
}
Ticket Log::next_ticket() const {
  return {state_->open != nullptr ? state_->open->sequence : state_->next_sequence};
}

bool Log::Durable::await_ready() const {
  return ticket_.frame <= log_.settled;
}

void Log::Durable::await_suspend(std::coroutine_handle<> awaiting) {
  RP_ASSERT(ticket_.frame < log_.next_sequence);
  awaiting_ = awaiting;
  log_.frame_of(ticket_.frame).waiting.push_back(*this);
}

Result<void> Log::Durable::await_resume() const {
  if (!log_.failed(ticket_.frame)) return {};
  return fail(system_error(log_.last_errno, "write to the log"));
}

std::span<const std::byte> Log::peek(Location where) const {
  return state_->hot(where).bytes;
}

Pin Log::pin(Location where) {
  Pin pin;
  const auto found = state_->hot(where);
  if (found.buffer == nullptr || !state_->buffers.may_pin(*found.buffer)) return pin;
  state_->buffers.pin(*found.buffer);
  pin.buffer_ = found.buffer;
  pin.bytes_ = found.bytes;
  return pin;
}

Task<Result<void>> Log::read(Location where, std::uint32_t skip, std::vector<std::span<std::byte>> into) {
  return state_->read(where, skip, std::move(into));
}

Task<Result<Near>> Log::read_near(std::vector<Location> places) {
  return state_->read_near(std::move(places));
}

Task<Result<void>> Log::read(Location where, std::span<std::byte> into) {
  return state_->read(where, 0, {into});
}

Task<Result<void>> Log::walk(std::function<void(const RecordView&)> visit) {
  return state_->walk(std::move(visit));
}

void Log::add_live(Location where) {
  state_->segments.add_live(where);
}

void Log::note_copy(Location original, Location copy) {
  state_->segments.add_copies(original.segment, copy.segment, state_->newest_appended());
}

void Log::drop_live(Location where) {
  state_->segments.drop_live(where, state_->newest_appended());
  if (state_->segments[where.segment].live_records != 0) return;
  state_->consider(where.segment);
  // With nothing on its way it may be free at once; a commit looks again.
  if (state_->idle()) state_->check_candidates();
}

void Log::add_pin(Location negation, std::span<const SegmentName> targets) {
  for (const SegmentName& name : targets) {
    // While the shards that are held here are read one after the other, only what comes before in the same one is known.
    if (state_->opening && name.shard != state_->segments[negation.segment].shard &&
        state_->segments.has_shard(name.shard))
      state_->pins_to_resolve.push_back({negation.segment, name});
    else
      state_->add_pin(negation.segment, name);
  }
}

bool Log::negates(Location where) const {
  return !state_->segments[where.segment].pins.empty();
}

void Log::release_elsewhere() {
  state_->elsewhere_released = true;
  state_->segments.drop_pins_to(kElsewhere);
  state_->consider_all();
  state_->check_candidates();
}

SegmentName Log::name_of(Location where) const {
  const Segment& segment = state_->segments[where.segment];
  return {segment.shard, segment.number, segment.header.sequence};
}

std::uint32_t Log::epoch_of(Location where) const {
  return state_->segments[where.segment].header.epoch;
}

void Log::keep_beside_unread(Location where) {
  // Not among kept_segments: all of it was read, so what ends need not name it, and has room for those that must be named.
  if (!state_->kept_segments.empty()) state_->segments[where.segment].kept = true;
}

std::span<const SegmentName> Log::kept_segments() const {
  return state_->kept_segments;
}

bool Log::in_use(const SegmentName& name) const {
  const std::uint32_t target = state_->segments.target_of(name);
  return target == kElsewhere ? !state_->elsewhere_released : target != kNoSegment;
}

bool Log::gains_by_moving(std::span<const Location> places) const {
  return state_->gains_by_moving(places);
}

void Log::set_carry(std::function<Task<Result<void>>(const RecordView&)> carry,
                    std::function<Task<Result<void>>()> then) {
  state_->on_carry = std::move(carry);
  state_->on_carried = std::move(then);
}
void Log::set_lost(std::function<void(const RecordView&)> lost) {
  state_->on_lost = std::move(lost);
}
void Log::set_freed(std::function<void(std::uint32_t)> freed) {
  state_->on_freed = std::move(freed);
}
void Log::set_upkeep(std::function<void()> upkeep) {
  state_->on_upkeep = std::move(upkeep);
}

void Log::set_damage(std::function<void(const Damage&)> damage) {
  state_->on_damage = std::move(damage);
}

void Log::start_reclaim() {
  state_->reclaiming = true;
  state_->consider_all();
  state_->check_candidates();
  state_->remove_empty_orphans();
}

void Log::hold_reclaim(bool hold) {
  // What was written again meanwhile must be durable before what it supersedes goes.
  if (state_->held && !hold) state_->quiet_floor = std::max(state_->quiet_floor, state_->newest_appended());
  state_->held = hold;
  if (!hold) state_->check_candidates();
}

Log::Space Log::space() const {
  const SegmentTable& segments = state_->segments;
  Space space{.live_bytes = segments.live_bytes(),
              .disk_available = state_->disk.available,
              .disk_total = state_->disk.total};
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    if (!segment.file.handle) continue;
    ++space.segments;
    space.file_bytes += segment.size;
    if (segment.orphan && segment.use != Segment::Use::free) ++space.orphan_segments;
    if (!segment.pins.empty()) ++space.pinned_segments;
    if (segment.holds_frames()) ++space.stream_segments[segment.stream];
  }
  space.free_segments = state_->ready_segments();
  return space;
}

bool Log::accepts_messages() const {
  if (state_->closing || write_errors()) return false;
  // Files are not given back to the disk: what is free in them may be used when the disk is low, but for those that are kept ready.
  if (disk_is_low()) return state_->ready_segments() > state_->options.free_segments_ahead + 1;
  return state_->ready_segments() > kReservedSegments || state_->may_grow();
}

bool Log::disk_is_low() const {
  const auto& disk = state_->disk;
  return static_cast<double>(disk.available) <
         state_->options.free_space_min * static_cast<double>(disk.total);
}

bool Log::write_errors() const {
  return state_->write_failures >= kWriteFailuresMax;
}

std::uint64_t Log::frames_committed() const {
  return state_->figures.frames.value();
}

Duration Log::write_age() const {
  return state_->in_flight ? state_->core.now() - state_->frame_write.submitted : Duration{0};
}

Task<void> Log::drained() {
  return state_->drained();
}
Task<void> Log::close() {
  return state_->close();
}

}  // namespace ringpost::journal
