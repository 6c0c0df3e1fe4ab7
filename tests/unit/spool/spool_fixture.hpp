// A spool in a machine, with a listener that remembers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/spool/spool.hpp"

#include "support/machine.hpp"

namespace ringpost::spool::testing {

using ringpost::testing::Machine;
using ringpost::testing::WriteFault;

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string text_of(const Body& body) {
  std::string text;
  for (const auto piece : body.pieces())
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  return text;
}

struct Heard {
  MessageId id;
  std::string sender;
  std::vector<std::string> recipients;
  std::vector<Outcome> outcomes;
  bool recovered = false;
};

class Recorder final : public Announcements {
 public:
  void queued(const Queued& message) override {
    Heard one{.id = message.id,
              .sender = std::string(message.envelope->reverse_path()),
              .recovered = message.recovered};
    for (std::size_t i = 0; i < message.envelope->recipient_count(); ++i)
      one.recipients.emplace_back(message.envelope->recipient(i).address);
    one.outcomes.assign(message.outcomes.begin(), message.outcomes.end());
    heard.push_back(one);
    if (then) then(message);
  }
  const Heard* find(MessageId id) const {
    for (const Heard& each : heard)
      if (each.id == id) return &each;
    return nullptr;
  }
  std::size_t count(MessageId id) const {
    return static_cast<std::size_t>(std::ranges::count(heard, id, &Heard::id));
  }
  std::vector<Heard> heard;
  std::function<void(const Queued&)> then;
};

// One running spool; a fixture may have several, one after the other.
class Station {
 public:
  explicit Station(Machine& on) : machine(on) {
    options.directory = machine.directory() + "/queue";
    options.segment_size = 1_MiB;
    options.buffer_memory = 6_MiB;
    options.free_space_min = Percent{0};
    options.segments_ahead = 2;
  }

  Task<void> do_open(SpoolStart start, std::vector<unsigned> adopt, bool and_start, Result<void>& result) {
    auto opened = co_await Spool::open(machine.core(), options, std::move(start), std::move(adopt));
    if (!opened) {
      result = fail(opened.error());
      co_return;
    }
    spool = std::move(*opened);
    if (and_start) result = co_await spool->start(recorder);
  }
  // One of several cores: all are opened before any is started.
  void open_shared(const SpoolStart& start, const std::vector<unsigned>& adopt) {
    recorder.heard.clear();
    Result<void> result;
    EXPECT_TRUE(machine.run(do_open(start, adopt, false, result)));
    ASSERT_TRUE(result) << result.error().text;
  }
  Task<void> do_start(Result<void>& result) { result = co_await spool->start(recorder); }
  void start() {
    Result<void> result;
    EXPECT_TRUE(machine.run(do_start(result)));
    ASSERT_TRUE(result) << result.error().text;
  }
  Result<void> try_open(bool and_start = true) {
    auto start = start_spool(machine.files(), options);
    if (!start) return fail(start.error());
    lock = start->lock;
    std::vector<unsigned> adopt;
    for (const unsigned shard : start->shards_on_disk)
      if (shard != machine.core().index()) adopt.push_back(shard);
    Result<void> result;
    EXPECT_TRUE(machine.run(do_open(*start, adopt, and_start, result)));
    return result;
  }
  void open() {
    recorder.heard.clear();
    const auto result = try_open();
    ASSERT_TRUE(result) << result.error().text;
  }
  void close() {
    if (!spool) return;
    EXPECT_TRUE(machine.run(spool->close()));
    spool.reset();
    machine.files().close(lock);
  }
  void reopen() {
    close();
    machine.restart();
    open();
  }
  void lose_power() {
    Machine::abandon(spool);
    machine.power_cut();
  }

  struct Mail {
    std::string sender = "from@example.org";
    std::vector<std::string> recipients{"to@example.net"};
    mail::Durability level = mail::Durability::disk;
    bool in_pieces = false;
    Duration life{0};  // until it expires; 0: nobody has said
  };
  static mail::Envelope envelope_of(const Mail& mail) {
    mail::Envelope envelope;
    envelope.set_reverse_path(mail.sender);
    for (const std::string& recipient : mail.recipients) envelope.add_recipient({.address = recipient});
    return envelope;
  }

  Task<void> do_accept(MessageId id, std::string text, Mail mail, Result<void>& result) {
    const mail::Envelope envelope = envelope_of(mail);
    mail::ArrivalFacts facts;
    facts.durability = mail.level;
    if (mail.life.count() != 0) facts.expiry = machine.core().wall_now() + mail.life;
    facts.body.size = text.size();
    if (mail.in_pieces) {
      auto incoming = spool->begin();
      if (!incoming) {
        result = fail(incoming.error());
        co_return;
      }
      std::string_view rest = text;
      for (std::size_t size = 100; !rest.empty(); size = size * 3 % 300'000 + 1) {
        result = co_await incoming->append(bytes_of(rest.substr(0, size)));
        if (!result) co_return;
        rest.remove_prefix(std::min(size, rest.size()));
      }
      result = co_await spool->accept(id, envelope, facts, std::move(*incoming));
      co_return;
    }
    // In three pieces, as a message with its Received field is.
    const auto whole = bytes_of(text);
    const std::span<const std::byte> pieces[] = {
        whole.first(whole.size() / 3), {}, whole.subspan(whole.size() / 3)};
    result = co_await spool->accept(id, envelope, facts, pieces);
  }
  Result<MessageId> try_accept(std::string text, Mail mail) {
    const MessageId id = spool->next_id();
    Result<void> result;
    EXPECT_TRUE(machine.run(do_accept(id, std::move(text), std::move(mail), result)));
    if (!result) return fail(result.error());
    return id;
  }
  MessageId accept(std::string text) { return accept(std::move(text), Mail{}); }
  MessageId accept(std::string text, Mail mail) {
    const auto id = try_accept(std::move(text), std::move(mail));
    EXPECT_TRUE(id) << id.error().text;
    return id.value_or(MessageId{});
  }

  void record(MessageId id, std::uint32_t recipient, RecipientState state, std::uint16_t attempts = 1) {
    const Outcome outcome{.recipient = recipient,
                          .state = state,
                          .attempts = attempts,
                          .next_attempt = {state == RecipientState::pending ? 1000 * (1000 + attempts) : 0},
                          .code = 450};
    spool->record(id, {&outcome, 1});
  }
  Task<void> do_flush(Result<void>& result) { result = co_await spool->flush(); }
  Result<void> flush() {
    Result<void> result;
    EXPECT_TRUE(machine.run(do_flush(result)));
    return result;
  }
  Task<void> do_body(MessageId id, std::uint64_t offset, std::uint64_t size, Result<std::string>& result) {
    auto body = co_await spool->part(id, offset, size);
    result = body ? Result<std::string>(text_of(*body)) : Result<std::string>(fail(body.error()));
  }
  Result<std::string> part(MessageId id, std::uint64_t offset, std::uint64_t size) {
    Result<std::string> result;
    EXPECT_TRUE(machine.run(do_body(id, offset, size, result)));
    return result;
  }
  Result<std::string> body(MessageId id) { return part(id, 0, ~std::uint64_t{0} >> 1); }
  Task<void> do_load(MessageId id, std::optional<Result<Spool::Loaded>>& result) {
    result = co_await spool->load(id);
  }
  Result<Spool::Loaded> load(MessageId id) {
    std::optional<Result<Spool::Loaded>> result;
    EXPECT_TRUE(machine.run(do_load(id, result)));
    return std::move(*result);
  }

  Machine& machine;
  SpoolOptions options;
  io::Handle lock;
  std::unique_ptr<Spool> spool;
  Recorder recorder;
};

class SpoolTest : public ::testing::TestWithParam<std::string> {
 protected:
  SpoolTest() {
    if (GetParam() == "sim")
      machine = std::make_unique<Machine>(std::make_shared<io::SimWorld>(5));
    else
      machine = std::make_unique<Machine>(GetParam());
    at = std::make_unique<Station>(*machine);
  }
  ~SpoolTest() override { at->close(); }

  std::unique_ptr<Machine> machine;
  std::unique_ptr<Station> at;
};

// On a disk that may become full.
class SimulatedSpool : public ::testing::Test {
 protected:
  ~SimulatedSpool() override {
    machine->backend().on_write = nullptr;
    at->close();
  }

  std::uint64_t figure(std::string_view name) { return machine->figure(name); }
  void limit_disk_to_what_is_used() {
    const auto space = machine->files().space(machine->directory());
    ASSERT_TRUE(space);
    world->limit_disk(Bytes{space->total - space->available});
  }

  std::shared_ptr<io::SimWorld> world = std::make_shared<io::SimWorld>(21);
  std::unique_ptr<Machine> machine = std::make_unique<Machine>(world);
  std::unique_ptr<Station> at = std::make_unique<Station>(*machine);
};

}  // namespace ringpost::spool::testing
