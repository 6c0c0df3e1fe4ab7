// Reads what is stored again and again, slowly, so that rot is known before the mail is wanted.
#include "found_segments.hpp"
#include "log_state.hpp"

namespace ringpost::journal {

// The next segment that holds something and is closed, or is a cold one, which may be open for days: from where the last one
// was; kNoSegment after the last. What is written to it later has its turn the next time.
std::uint32_t Log::State::next_to_scrub() {
  for (; scrub.next < segments.size(); ++scrub.next) {
    const Segment& segment = segments[scrub.next];
    const bool closed = segment.use == Segment::Use::closed && segment.unwritten == 0;
    const bool cold = segment.use == Segment::Use::current && segment.stream != 0;
    if ((closed || cold) && segment.live_records != 0) return scrub.next++;
  }
  return kNoSegment;
}

void Log::State::start_scrub() {
  if (scrub.running || closing || held || !reclaiming || options.scrub_rate.count == 0 || write_failures != 0)
    return;
  if (scrub.walk == nullptr) {
    if (core.now() < scrub.not_before) return;
    scrub.segment = next_to_scrub();
    if (scrub.segment == kNoSegment) {
      scrub.next = 0;
      scrub.not_before = core.now() + kScrubPause;
      return;
    }
    scrub.walk = std::make_unique<SegmentWalk>(segments[scrub.segment].walk_facts());
    scrub.window = std::make_unique<AlignedMemory>(kWindowSize);
    scrub.report = {};
    ++segments[scrub.segment].readers;
  }
  scrub.running = true;
  core.spawn(scrub_some(shared_from_this()));
}

// As much as the rate allows for one interval of upkeep.
Task<void> Log::State::scrub_some(std::shared_ptr<State> self) {
  ++background;
  const Segment& segment = segments[scrub.segment];
  const FramePlace from{segment.shard, scrub.segment, segment.number, segment.header.sequence};
  const std::uint64_t begin = scrub.walk->offset();
  bool more = true;
  while (more && !closing && scrub.walk->offset() - begin < options.scrub_rate.count) {
    const auto frame = co_await next_frame(scrub.segment, *scrub.walk, *scrub.window);
    more = frame.has_value() && *frame;
    if (more && scrub.walk->damaged())
      visit_records(*scrub.walk, from, [](const RecordView&) {}, scrub.report);
    co_await shard::Yield{core};
  }
  figures.scrubbed_bytes.add(scrub.walk->offset() - begin);
  if (!more || closing) end_scrub();
  scrub.running = false;
  --background;
  quiet.notify_all();
}

void Log::State::end_scrub() {
  for (Damage& damage : scrub.walk->damages()) scrub.report.add(std::move(damage));
  for (const Damage& damage : scrub.report.damage) {
    figures.rotten.add();
    if (on_damage) on_damage(damage);
  }
  --segments[scrub.segment].readers;
  consider(scrub.segment);
  scrub.walk.reset();
  scrub.window.reset();
}

}  // namespace ringpost::journal
