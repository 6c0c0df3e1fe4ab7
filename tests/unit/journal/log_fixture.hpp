// A log in a machine, and what its last opening found.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/log.hpp"

#include "support/machine.hpp"

namespace ringpost::journal::testing {

using ringpost::testing::Machine;
using ringpost::testing::WriteFault;

struct Seen {
  std::uint8_t type = 0;
  MessageId id;
  std::string text;
  Location where;
  std::uint64_t order = 0;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Coroutines of a test are free functions or members: a lambda that is one dies before its frame does.
class LogTest : public ::testing::TestWithParam<std::string> {
 public:  // for the coroutines of tests, which are no members
  LogTest() {
    if (GetParam() == "sim") {
      world = std::make_shared<io::SimWorld>(11);
      machine = std::make_unique<Machine>(world);
    } else {
      machine = std::make_unique<Machine>(GetParam());
    }
    options.segment_size = 1_MiB;
    options.buffer_memory = 8_MiB;
    options.free_space_min = 0;
    options.free_segments_ahead = 3;
  }
  ~LogTest() override {
    machine->backend().on_write = nullptr;
    close();
  }

  Log::Place place() const {
    return {.directory = machine->directory() + "/shard-0", .shard = 0, .epoch = epoch, .spool_id = 77};
  }

  Task<void> do_open(Result<void>& result) {
    auto opened = co_await Log::open(
        machine->core(), options, place(),
        [this](Log& of, const RecordView& view) {
          seen.push_back({view.type, view.id, text_of(view.payload), view.where, view.order});
          if (on_visit) on_visit(of, view);
        },
        &report);
    if (opened)
      log = std::move(*opened);
    else
      result = fail(opened.error());
  }
  Result<void> try_open() {
    ++epoch;
    seen.clear();
    report = {};
    Result<void> result;
    EXPECT_TRUE(machine->run(do_open(result)));
    return result;
  }
  void open() {
    const auto result = try_open();
    ASSERT_TRUE(result) << result.error().text;
  }
  void close() {
    if (!log) return;
    EXPECT_TRUE(machine->run(log->close()));
    log.reset();
  }
  void reopen() {
    close();
    machine->restart();
    open();
  }
  void reopen_cleanly() {
    close();
    machine->restart();
  }
  void lose_power() {
    Machine::abandon(log);
    machine->power_cut();
  }

  // As bad as this machine can do.
  void lose_or_close() {
    if (GetParam() == "sim") {
      lose_power();
    } else {
      close();
      machine->restart();
    }
  }

  // Appends one record; `where` of the last one is kept.
  Result<Ticket> put(std::uint64_t id, std::string_view text, std::uint8_t type = 1) {
    const std::span<const std::byte> parts[] = {bytes_of(text)};
    const Record record{.type = type, .id = {id}, .parts = parts};
    return log->append({&record, 1}, {&last, 1});
  }
  Task<void> do_wait(Ticket ticket, Result<void>& result) { result = co_await log->durable(ticket); }
  Result<void> wait(Ticket ticket) {
    Result<void> result;
    EXPECT_TRUE(machine->run(do_wait(ticket, result)));
    return result;
  }
  // Turns until there is room for it.
  Ticket must_put(std::uint64_t id, std::string_view text, std::uint8_t type = 1) {
    auto ticket = put(id, text, type);
    for (int i = 0; !ticket && i < 2000; ++i) {
      machine->turns(1);
      ticket = put(id, text, type);
    }
    EXPECT_TRUE(ticket);
    return ticket.value_or(Ticket{0});
  }
  Location keep(std::uint64_t id, std::string_view text, std::uint8_t type = 1) {
    EXPECT_TRUE(wait(must_put(id, text, type)));
    return last;
  }
  Task<void> do_read(Location where, std::string& into, Result<void>& result) {
    into.resize(where.size);
    result = co_await log->read(where, std::as_writable_bytes(std::span(into)));
  }
  Result<std::string> read(Location where) {
    std::string text;
    Result<void> result;
    EXPECT_TRUE(machine->run(do_read(where, text, result)));
    if (!result) return fail(result.error());
    return text;
  }
  std::vector<std::uint64_t> seen_ids() const {
    std::vector<std::uint64_t> ids;
    for (const Seen& each : seen) ids.push_back(each.id.value);
    return ids;
  }

  // Fills the current segment until records go to another one. What fills it does not count.
  void next_segment() {
    const auto from = last.segment;
    while (last.segment == from) keep(9999, std::string(200'000, '.'));
  }
  void settle() { machine->turns(50); }
  bool eventually(const std::function<bool()>& done) { return machine->turn_until(done); }

  // Faults for frames only, counted from 0 from now on.
  void fail_frames(unsigned first, unsigned count, WriteFault fault) {
    machine->backend().on_write = [this, first, count, fault](const io::Op& op) -> std::optional<WriteFault> {
      if (op.offset < kFirstFrame) return std::nullopt;
      const unsigned number = frame_writes++;
      if (number >= first && number - first < count) return fault;
      return std::nullopt;
    };
    frame_writes = 0;
  }
  // Those of the block in which the record begins, in any segment.
  void fail_reads_of(Location where) {
    const std::uint64_t block = where.offset / kBlockSize * kBlockSize;
    machine->backend().on_read = [this, block](const io::Op& op) -> std::optional<std::int32_t> {
      std::uint64_t size = 0;
      for (std::uint32_t i = 0; i < op.vector_count; ++i) size += op.vectors[i].iov_len;
      if (op.offset > block || op.offset + size <= block) return std::nullopt;
      ++reads_failed;
      return -EIO;
    };
    reads_failed = 0;
  }

  std::string segment_file(unsigned number) const {
    return machine->directory() + "/shard-0/segment-00000" + std::to_string(number);
  }
  // Changes one byte of a closed log's file.
  void flip(unsigned segment, std::uint64_t offset) {
    auto& files = machine->files();
    const auto file = files.open(segment_file(segment), {.write = true});
    ASSERT_TRUE(file);
    std::byte byte{};
    ASSERT_TRUE(files.read_at(file->handle, {&byte, 1}, offset));
    byte ^= std::byte{0x10};
    ASSERT_TRUE(files.write_at(file->handle, {&byte, 1}, offset));
    ASSERT_TRUE(files.sync(file->handle));
    files.close(file->handle);
  }

  std::shared_ptr<io::SimWorld> world;  // only of "sim"
  std::unique_ptr<Machine> machine;
  LogOptions options;
  std::uint32_t epoch = 0;
  std::unique_ptr<Log> log;
  std::vector<Seen> seen;
  std::function<void(Log&, const RecordView&)> on_visit;
  RecoveryReport report;
  Location last;
  unsigned frame_writes = 0, reads_failed = 0;
};

}  // namespace ringpost::journal::testing
