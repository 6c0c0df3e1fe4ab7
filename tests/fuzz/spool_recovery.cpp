// Recovery of the queue: a log whose frames are good and whose records say anything, in any order, for a few ids.
//
// What must hold: the spool opens; what it announces is whole (an envelope, an outcome for each recipient) and no id
// comes twice; a body that can be read has its size; and after another start the same messages are
// announced, but for those that were ended.
//
// A step of the input is a letter and what it takes (numbers are one byte):
//   f: the next frame    i N: the next records are of id N    x: they concern other shards, or no more
//   e R B C: an envelope of R recipients for a body of B bytes, cut short by C    b N: a body of N bytes
//   c N: a chunk of N bytes    E N B: the end of N chunks of B bytes together    s K (recipient state)*K: outcomes
//   d N, m N: done or moved, with N segments    anything else N M: a record of type N with the next M bytes
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ringpost/io/sim.hpp"
#include "ringpost/journal/format.hpp"
#include "ringpost/scan/crc32c.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/spool.hpp"

#include "fuzz_input.hpp"
#include "spool/records.hpp"

using namespace ringpost;

namespace {

constexpr std::size_t kFramesMax = 16;
constexpr std::size_t kRecordsMax = 64;

// The frames of one segment, as an earlier start of the server wrote them.
class Segment {
 public:
  Segment(fuzz::Input& input, std::uint64_t spool_id) : input_(input), file_(journal::kFirstFrame) {
    journal::SegmentHeader header;
    header.state = static_cast<std::uint16_t>(journal::SegmentState::open);
    header.spool_id = spool_id;
    header.sequence = 1;
    header.salt = kSalt;
    header.epoch = 1;
    header.first_commit_sequence = 1;
    journal::seal(header);
    std::memcpy(file_.data(), &header, sizeof header);
    for (std::size_t records = 0; !input_.empty() && records < kRecordsMax; ++records) step();
    end_frame();
    file_.resize(std::size_t{1} << 20U);
  }
  std::span<const std::byte> bytes() const { return file_; }

 private:
  static constexpr std::uint64_t kSalt = 4711;

  void step() {
    const char kind = static_cast<char>(input_.byte());
    switch (kind) {
      case 'f':
        return end_frame();
      case 'i':
        id_ = MessageId::make(1, 0, 1 + input_.byte() % 4U);
        return;
      case 'x':
        flags_ ^= spool::kForeign;
        return;
      case 'e':
        return envelope();
      case 'b':
        return record(spool::RecordType::body, id_, as_bytes(std::string(input_.byte(), 'x')));
      case 'c':
        return record(spool::RecordType::chunk, body_id(), as_bytes(std::string(input_.byte(), 'y')));
      case 'E': {
        spool::BodyEnd end{.body_id = body_id().value, .chunk_count = input_.byte()};
        end.size = input_.byte();
        return record(spool::RecordType::body_end, id_, bytes_of(end));
      }
      case 's':
        return state(input_.byte());
      case 'd':
        return record(spool::RecordType::done, id_, segments());
      case 'm':
        return record(spool::RecordType::moved, id_, segments());
      default: {
        const auto type = static_cast<spool::RecordType>(input_.byte());
        return record(type, id_, as_bytes(input_.take(input_.byte())));
      }
    }
  }

  // What comes in pieces has an id of its own.
  MessageId body_id() const { return {id_.value + 1000}; }

  void envelope() {
    // An id is given once: its envelope may be written again, elsewhere, but not changed.
    const unsigned recipients = recipients_.try_emplace(id_.value, input_.byte() % 5U).first->second;
    mail::Envelope envelope;
    envelope.set_reverse_path("ann@example.com");
    for (unsigned i = 0; i < recipients; ++i) envelope.add_recipient({.address = "user@example.net"});
    mail::ArrivalFacts facts;
    facts.body.size = input_.byte();
    std::vector<std::byte> encoded(mail::encoded_envelope_size(envelope, facts));
    mail::encode_envelope(envelope, facts, encoded);
    encoded.resize(encoded.size() - std::min<std::size_t>(input_.byte(), encoded.size()));
    record(spool::RecordType::envelope, id_, encoded);
  }

  void state(unsigned choice) {
    std::vector<spool::PackedOutcome> outcomes;
    for (unsigned i = 0; i < choice % 8; ++i) {
      spool::Outcome outcome;
      outcome.recipient = input_.byte();
      outcome.state = static_cast<spool::RecipientState>(input_.byte() % 5U);
      outcomes.push_back(spool::pack(outcome));
    }
    std::vector<spool::FinishedTarget> finished;
    for (unsigned i = 0; i < choice / 8 % 4; ++i) finished.push_back({input_.byte(), input_.byte()});
    record(spool::RecordType::state, id_, spool::encode_state(outcomes, finished, choice >= 128));
  }

  std::vector<std::byte> segments() {
    std::vector<journal::SegmentName> names;
    for (unsigned i = input_.byte() % 4U; i > 0; --i)
      names.push_back({.shard = i - 1, .number = 0, .sequence = 1});
    return spool::encode_segments(names);
  }

  static std::vector<std::byte> as_bytes(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
  }
  template <class T>
  static std::vector<std::byte> bytes_of(const T& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    return {bytes.begin(), bytes.end()};
  }

  void record(spool::RecordType type, MessageId id, std::span<const std::byte> payload) {
    if (static_cast<std::uint8_t>(type) == journal::kVoidType)
      return;  // the engine's own, which fuzz/journal.cpp looks at
    journal::RecordHeader header;
    header.size = static_cast<std::uint32_t>(payload.size());
    header.type = static_cast<std::uint8_t>(type);
    header.flags = flags_;
    header.id = id.value;
    header.crc = journal::record_crc(header, payload);
    const auto front = std::as_bytes(std::span(&header, 1));
    records_crc_ = scan::crc32c(front, records_crc_);
    records_.insert(records_.end(), front.begin(), front.end());
    records_.insert(records_.end(), payload.begin(), payload.end());
    records_.resize(journal::round_up(records_.size(), 8));
    ++count_;
  }

  void end_frame() {
    if (count_ == 0 || frames_ == kFramesMax) return;
    journal::FrameHeader header;
    header.size = static_cast<std::uint32_t>(sizeof header + records_.size());
    header.salt = kSalt;
    header.epoch = 1;
    header.record_count = count_;
    header.commit_sequence = ++frames_;
    header.previous_crc = previous_crc_;
    header.records_crc = records_crc_;
    journal::seal(header);
    previous_crc_ = header.header_crc;
    const auto front = std::as_bytes(std::span(&header, 1));
    file_.insert(file_.end(), front.begin(), front.end());
    file_.insert(file_.end(), records_.begin(), records_.end());
    file_.resize(journal::round_up(file_.size(), journal::kBlockSize));
    records_.clear();
    records_crc_ = count_ = 0;
  }

  fuzz::Input& input_;
  std::vector<std::byte> file_;
  std::vector<std::byte> records_;
  MessageId id_ = MessageId::make(1, 0, 1);
  std::map<std::uint64_t, unsigned> recipients_;
  std::uint8_t flags_ = 0;
  std::uint32_t records_crc_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t frames_ = 0;
  std::uint32_t previous_crc_ = 0;
};

struct Listener final : spool::Announcements {
  std::map<std::uint64_t, std::size_t> found;  // id, recipients
  std::set<std::uint64_t> pending;             // those for whom something is left to do
  void queued(const spool::Queued& message) override {
    RP_ASSERT(message.envelope != nullptr && message.recovered);
    RP_ASSERT(message.outcomes.size() == message.envelope->recipient_count());
    for (const spool::Outcome& outcome : message.outcomes)
      RP_ASSERT(outcome.recipient < message.outcomes.size());
    RP_ASSERT(found.emplace(message.id.value, message.outcomes.size()).second);
  }
};

// One start of the server on the simulated disk.
class Start {
 public:
  explicit Start(io::SimWorld& world) : backend_(world.make_backend()), core_({.backend = backend_.get()}) {
    options_.directory = FilePath("/spool");
    options_.segment_size = 1_MiB;
    options_.buffer_memory = 4_MiB;
    options_.segments_ahead = 1;
    options_.free_space_min = {};
    auto started = spool::start_spool(files(), options_);
    RP_ASSERT(started.has_value());
    start_ = *std::move(started);
  }
  io::Files& files() { return backend_->files(); }
  const spool::SpoolStart& facts() const { return start_; }
  void unlock() { files().close(start_.lock); }

  // Opens the spool, looks at all that is announced, ends every second message, and closes.
  Listener recover(std::set<std::uint64_t>& ended) {
    Listener listener;
    run(do_recover(listener, ended));
    unlock();
    return listener;
  }

 private:
  Task<void> do_recover(Listener& listener, std::set<std::uint64_t>& ended) {
    auto opened = co_await spool::Spool::open(core_, options_, start_, {});
    RP_ASSERT(opened.has_value());
    const std::unique_ptr<spool::Spool> spool = *std::move(opened);
    (void)co_await spool->start(listener);
    for (const auto& [id, recipients] : listener.found) {
      co_await look_at(*spool, MessageId{id});
      if (id % 2 == 0 || !listener.pending.contains(id)) continue;
      std::vector<spool::Outcome> outcomes(recipients);
      for (std::size_t i = 0; i < recipients; ++i) {
        outcomes[i].recipient = static_cast<std::uint32_t>(i);
        outcomes[i].state = spool::RecipientState::delivered;
      }
      spool->record(MessageId{id}, outcomes);
      RP_ASSERT(!spool->contains(MessageId{id}));
      ended.insert(id);
    }
    RP_ASSERT((co_await spool->flush()).has_value());
    co_await spool->close();
  }
  static Task<void> look_at(spool::Spool& spool, MessageId id) {
    RP_ASSERT(spool.contains(id));
    const auto loaded = co_await spool.load(id);
    RP_ASSERT(loaded.has_value());
    const auto body = co_await spool.body(id);
    if (!body) co_return;
    std::size_t size = 0;
    for (const auto& piece : body->pieces()) size += piece.size();
    RP_ASSERT(size == spool.size_of(id));
  }
  static Task<void> tell(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }
  void run(Task<void> task) {
    bool done = false;
    core_.spawn(tell(std::move(task), done));
    unsigned turns = 0;
    while (!done) {
      RP_ASSERT(++turns < 200'000);
      core_.turn(core_.now() + std::chrono::milliseconds(20));
    }
  }

  std::unique_ptr<io::Backend> backend_;
  shard::Core core_;
  spool::SpoolOptions options_;
  spool::SpoolStart start_;
};

void write_segment(io::Files& files, std::span<const std::byte> bytes) {
  RP_ASSERT(files.make_directory("/spool/shard-0").has_value());
  const auto file = files.open("/spool/shard-0/segment-000000", {.write = true, .create = true});
  RP_ASSERT(file.has_value());
  RP_ASSERT(files.write_at(file->handle, bytes, 0).has_value());
  RP_ASSERT(files.sync(file->handle).has_value());
  files.close(file->handle);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  io::SimWorld world(input.byte());
  {
    Start first(world);
    write_segment(first.files(), Segment(input, first.facts().spool_id).bytes());
    first.unlock();
  }
  std::set<std::uint64_t> ended;
  const Listener before = Start(world).recover(ended);
  std::set<std::uint64_t> ended_later;
  const Listener after = Start(world).recover(ended_later);
  RP_ASSERT(after.found.size() + ended.size() == before.found.size());
  for (const auto& [id, recipients] : after.found) {
    const auto found = before.found.find(id);
    RP_ASSERT(found != before.found.end() && found->second == recipients && !ended.contains(id));
  }
  return 0;
}
