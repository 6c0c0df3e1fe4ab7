// A spool that was closed in an orderly way, and what may happen to its files before somebody looks at them.
#pragma once

#include "ringpost/spool/archive.hpp"
#include "ringpost/spool/repair.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {

class DamagedSpoolTest : public SpoolTest {
 protected:
  void fill() {
    at->open();
    plain = at->accept("plain text");
    tried = at->accept("tried", {.recipients = {"a@x.org", "b@x.org"}});
    large = at->accept(std::string(700'000, 'l'), {.in_pieces = true});
    at->record(tried, 1, RecipientState::bounced, 2);
    ended = at->accept("ended");
    at->record(ended, 0, RecipientState::delivered);
    at->close();
    machine->restart();
  }
  std::string path(const std::string& name) const { return at->options.directory.text + "/" + name; }
  void destroy(const std::string& name, std::uint64_t offset, std::size_t size) {
    auto& files = machine->files();
    const auto file = files.open(path(name), {.write = true});
    ASSERT_TRUE(file);
    const std::vector<std::byte> wrong(size, std::byte{0xA5});
    ASSERT_TRUE(files.write_at(file->handle, wrong, offset));
    ASSERT_TRUE(files.sync(file->handle));
    files.close(file->handle);
  }
  std::string bytes_of_file(const std::string& name) {
    auto& files = machine->files();
    const auto file = files.open(path(name), {});
    if (!file) return {};
    std::string bytes(files.size(file->handle).value_or(0), '\0');
    EXPECT_EQ(files.read_at(file->handle, std::as_writable_bytes(std::span(bytes)), 0).value_or(0),
              bytes.size());
    files.close(file->handle);
    return bytes;
  }
  void write_file(const std::string& name, std::string_view bytes) {
    auto& files = machine->files();
    const auto file = files.open(path(name), {.write = true, .create = true, .truncate = true});
    ASSERT_TRUE(file);
    ASSERT_TRUE(files.write_at(file->handle, bytes_of(bytes), 0));
    ASSERT_TRUE(files.sync(file->handle));
    files.close(file->handle);
  }
  void cut(const std::string& name, std::size_t size) {
    write_file(name, std::string_view(bytes_of_file(name)).substr(0, size));
  }
  Inspection look() {
    const auto seen = inspect(machine->files(), at->options.directory.text);
    EXPECT_TRUE(seen) << seen.error().text;
    return seen.value_or(Inspection{});
  }
  static std::vector<std::string> texts(const journal::RecoveryReport& report) {
    std::vector<std::string> all;
    for (const journal::Damage& damage : report.damage) all.push_back(damage.text);
    return all;
  }
  std::vector<std::string> mend(bool write) {
    std::vector<std::string> told;
    const auto done = repair(machine->files(), at->options.directory.text, write,
                             [&](std::string_view text) { told.emplace_back(text); });
    EXPECT_TRUE(done) << done.error().text;
    if (done) EXPECT_EQ(done->findings, told.size());
    return told;
  }
  std::string text_of_message(Archive& archive, MessageId id) {
    std::string text;
    const auto done = archive.read_body(id, [&](std::span<const std::byte> bytes) {
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return Result<void>{};
    });
    return done ? text : "damaged";
  }
  MessageId plain, tried, large, ended;
};

}  // namespace ringpost::spool::testing
