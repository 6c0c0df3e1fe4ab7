// What only a simulated world does: the same run from the same seed, time that jumps, and power cuts.
#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "ringpost/io/sim.hpp"

#include "unit/io/world.hpp"

namespace ringpost::io::test {

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string read_whole(Backend& backend, const std::string& path) {
  const auto file = backend.files().open(path, {});
  if (!file) return "<" + file.error().text + ">";
  std::string text(*backend.files().size(file->handle), '\0');
  EXPECT_TRUE(backend.files().read_at(file->handle, std::as_writable_bytes(std::span(text)), 0));
  backend.files().close(file->handle);
  return text;
}

// One conversation of a client and a server on two cores, told with its times and its cuts.
std::string conversation(std::uint64_t seed) {
  SimWorld world(seed);
  const auto server = world.make_backend();
  const auto client = world.make_backend();
  Turns server_turns(*server), client_turns(*client);
  std::string story;
  const auto tell = [&](std::string_view who, Probe& probe) {
    probe.on_completion = [&story, &world, who](const Completion& completion) {
      story += fmt::format("{} {} {}\n", who, world.now().since_start.count(), completion.result);
    };
  };
  const Handle listening = *server->listen({IpAddress::loopback(), 25}, {});
  const Endpoint where{IpAddress::loopback(), 25};
  Probe accepting, connecting, receiving, sending;
  tell("accept", accepting);
  tell("connect", connecting);
  tell("receive", receiving);
  tell("send", sending);
  const Handle socket = *client->open_socket(where, std::nullopt);
  server_turns.submit({.kind = OpKind::accept, .handle = listening, .operation = &accepting});
  client_turns.submit(
      {.kind = OpKind::connect, .handle = socket, .operation = &connecting, .address = &where});
  std::string text(300'000, 'x');
  const iovec vector = vector_of(text);
  for (int turn = 0; turn < 5000 && receiving.bytes.size() < text.size(); ++turn) {
    server_turns.turn(Duration{0});
    client_turns.turn(Duration{0});
    world.advance(world.now() + std::chrono::seconds{1});
    if (connecting.ended && !accepting.results.empty() && turn > 0 && sending.results.empty() &&
        story.find("go") == std::string::npos) {
      story += "go\n";
      server_turns.submit(
          {.kind = OpKind::receive, .handle = Handle{accepting.results[0]}, .operation = &receiving});
      client_turns.submit({.kind = OpKind::send,
                           .handle = socket,
                           .operation = &sending,
                           .vectors = &vector,
                           .vector_count = 1});
    }
  }
  EXPECT_EQ(receiving.bytes, text);
  return story;
}

TEST(SimWorld, the_same_seed_gives_the_same_run) {
  const std::string first = conversation(7);
  EXPECT_GT(std::ranges::count(first, '\n'), 20);  // cut into many pieces
  EXPECT_EQ(first, conversation(7));
  EXPECT_NE(first, conversation(8));
}

TEST(SimWorld, random_numbers_come_from_the_seed) {
  SimWorld one(1), same(1), other(2);
  const auto a = one.make_backend(), b = same.make_backend(), c = other.make_backend();
  const std::uint64_t number = a->random();
  EXPECT_EQ(number, b->random());
  EXPECT_NE(number, c->random());
}

TEST(SimWorld, time_jumps_to_the_bound_when_nothing_happens) {
  SimWorld world(1);
  const auto backend = world.make_backend();
  std::array<Completion, 1> completions;
  const Instant until = world.now() + std::chrono::hours{24 * 5};
  const WallTime before = backend->wall_now();
  EXPECT_EQ(backend->poll(completions, {.until = until}), 0U);
  EXPECT_EQ(world.now(), until);
  EXPECT_EQ(backend->wall_now() - before, std::chrono::hours{24 * 5});
  EXPECT_EQ(backend->poll(completions, {.until = until}), 0U);
  EXPECT_EQ(world.now(), until);
  EXPECT_EQ(backend->poll(completions, {.until = Instant::never()}), 0U);  // for ever: nothing to jump to
  EXPECT_EQ(world.now(), until);
}

TEST(SimWorld, time_stands_still_while_another_core_has_something_to_do) {
  SimWorld world(1);
  const auto busy = world.make_backend();
  const auto idle = world.make_backend();
  std::array<Completion, 1> completions;
  const Instant start = world.now();
  busy->wake();
  EXPECT_EQ(idle->poll(completions, {.until = start + std::chrono::hours{1}}), 0U);
  world.advance(start + std::chrono::hours{1});
  EXPECT_EQ(world.now(), start);
  EXPECT_EQ(busy->poll(completions, {.until = start + std::chrono::hours{1}}), 0U);
  EXPECT_EQ(world.now(), start);  // the wake ended it
  world.advance(start + std::chrono::hours{1});
  EXPECT_EQ(world.now(), start + std::chrono::hours{1});
}

TEST(SimWorld, a_connect_to_a_full_backlog_succeeds_when_somebody_accepts) {
  SimWorld world(3);
  const auto backend = world.make_backend();
  Turns turns(*backend);
  const Endpoint where{IpAddress::loopback(), 25};
  const Handle listening = *backend->listen(where, {.backlog = 0});
  Probe first, second, accepting;
  turns.submit({.kind = OpKind::connect,
                .handle = *backend->open_socket(where, std::nullopt),
                .operation = &first,
                .address = &where});
  ASSERT_TRUE(turns.ended(first));
  turns.submit({.kind = OpKind::connect,
                .handle = *backend->open_socket(where, std::nullopt),
                .operation = &second,
                .address = &where});
  turns.settle();
  EXPECT_FALSE(second.ended);
  turns.submit({.kind = OpKind::accept, .handle = listening, .operation = &accepting});
  ASSERT_TRUE(turns.ended(second));
  EXPECT_EQ(second.last(), 0);
  turns.submit({.kind = OpKind::cancel, .target = &accepting});
  ASSERT_TRUE(turns.ended(accepting));
}

TEST(SimWorld, a_connect_to_a_backlog_that_stays_full_times_out) {
  SimWorld world(3);
  const auto backend = world.make_backend();
  Turns turns(*backend);
  const Endpoint where{IpAddress::loopback(), 25};
  ASSERT_TRUE(backend->listen(where, {.backlog = 0}));
  Probe first, second;
  for (Probe* probe : {&first, &second}) {
    turns.submit({.kind = OpKind::connect,
                  .handle = *backend->open_socket(where, std::nullopt),
                  .operation = probe,
                  .address = &where});
    ASSERT_TRUE(turns.ended(*probe));
  }
  EXPECT_EQ(first.last(), 0);
  EXPECT_EQ(second.last(), -ETIMEDOUT);
}

TEST(SimWorld, closing_a_listener_resets_who_waited_in_its_backlog) {
  SimWorld world(4);
  const auto backend = world.make_backend();
  Turns turns(*backend);
  const Endpoint where{IpAddress::loopback(), 25};
  const Handle listening = *backend->listen(where, {});
  const Handle socket = *backend->open_socket(where, std::nullopt);
  Probe connecting, receiving, closing;
  turns.submit({.kind = OpKind::connect, .handle = socket, .operation = &connecting, .address = &where});
  ASSERT_TRUE(turns.ended(connecting));
  turns.submit({.kind = OpKind::receive, .handle = socket, .operation = &receiving});
  turns.submit({.kind = OpKind::close, .handle = listening, .operation = &closing});
  ASSERT_TRUE(turns.ended(receiving));
  EXPECT_EQ(receiving.last(), -ECONNRESET);
}

TEST(SimWorld, refuses_to_adopt) {
  SimWorld world(1);
  const auto backend = world.make_backend();
  EXPECT_EQ(backend->adopt(0).error().system, EOPNOTSUPP);
}

TEST(SimWorld, descriptors_are_limited_at_n_and_come_back) {
  SimWorld world(1);
  const auto backend = world.make_backend();
  world.limit_descriptors(2);
  const Endpoint where{IpAddress::loopback(), 25};
  const auto first = backend->open_socket(where, std::nullopt);
  const auto second = backend->files().open("/file", {.write = true, .create = true});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(backend->open_socket(where, std::nullopt).error().system, EMFILE);
  EXPECT_EQ(backend->listen(where, {}).error().system, EMFILE);
  EXPECT_EQ(backend->files().open("/other", {.write = true, .create = true}).error().system, EMFILE);
  backend->files().close(second->handle);
  const auto third = backend->listen(where, {});
  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(third->value, second->handle.value);  // the lowest free number
}

TEST(SimWorld, the_disk_is_limited_at_n) {
  SimWorld world(1);
  const auto backend = world.make_backend();
  world.limit_disk(10_B);
  const auto file = backend->files().open("/file", {.write = true, .create = true});
  EXPECT_TRUE(backend->files().write_at(file->handle, bytes_of("0123456789"), 0));
  EXPECT_EQ(backend->files().write_at(file->handle, bytes_of("x"), 10).error().system, ENOSPC);
  EXPECT_TRUE(backend->files().write_at(file->handle, bytes_of("x"), 9));  // in place
  EXPECT_EQ(backend->files().space("/")->available, 0U);
  ASSERT_TRUE(backend->files().unlink("/file"));
  EXPECT_EQ(backend->files().space("/")->available, 10U);
}

TEST(SimWorld, a_disk_that_refuses_writes_can_be_read_and_takes_them_again) {
  SimWorld world(1);
  const auto backend = world.make_backend();
  Turns turns(*backend);
  Files& files = backend->files();
  const auto file = files.open("/file", {.write = true, .create = true});
  ASSERT_TRUE(files.write_at(file->handle, bytes_of("before"), 0));
  world.refuse_writes(true);
  EXPECT_EQ(files.write_at(file->handle, bytes_of("x"), 0).error().system, EIO);
  EXPECT_EQ(files.sync(file->handle).error().system, EIO);
  EXPECT_EQ(files.zero_fill(file->handle, 4096).error().system, EIO);
  std::string text = "during";
  const iovec vector = vector_of(text);
  Probe writing, syncing;
  turns.submit({.kind = OpKind::write,
                .handle = file->handle,
                .operation = &writing,
                .vectors = &vector,
                .vector_count = 1});
  turns.submit({.kind = OpKind::sync, .handle = file->handle, .operation = &syncing});
  ASSERT_TRUE(turns.ended(writing) && turns.ended(syncing));
  EXPECT_EQ(writing.last(), -EIO);
  EXPECT_EQ(syncing.last(), -EIO);
  EXPECT_EQ(read_whole(*backend, "/file"), "before");
  EXPECT_EQ(world.happened().at("disk: write to a disk that takes none"), 1U);
  world.refuse_writes(false);
  EXPECT_TRUE(files.write_at(file->handle, bytes_of("after!"), 0));
  EXPECT_TRUE(files.sync(file->handle));
  EXPECT_EQ(read_whole(*backend, "/file"), "after!");
}

TEST(SimWorld, a_host_that_ends_between_two_cold_calls_does_nothing_more) {
  SimWorld world(1);
  auto backend = world.make_backend();
  const auto file = backend->files().open("/file", {.write = true, .create = true});
  ASSERT_TRUE(backend->files().write_at(file->handle, bytes_of("kept"), 0));
  ASSERT_TRUE(backend->files().sync(file->handle) && backend->files().sync_directory("/"));
  ASSERT_TRUE(backend->files().write_at(file->handle, bytes_of("gone"), 0));
  EXPECT_FALSE(world.fails());
  world.set_faults({.disk = {.files_end = 1}});
  EXPECT_EQ(backend->files().sync(file->handle).error().system, EIO);
  EXPECT_TRUE(world.fails());
  world.set_faults({});
  EXPECT_EQ(backend->files().rename("/file", "/other").error().system, EIO);
  Turns turns(*backend);
  std::string text = "late";
  const iovec vector = vector_of(text);
  Probe writing;
  turns.submit({.kind = OpKind::write,
                .handle = file->handle,
                .operation = &writing,
                .vectors = &vector,
                .vector_count = 1});
  EXPECT_FALSE(turns.ended(writing));
  world.power_cut();
  EXPECT_FALSE(world.fails());
  const auto after = world.make_backend();
  EXPECT_EQ(read_whole(*after, "/file"), "kept");
}

// ---- Power cuts ----

class PowerCut : public ::testing::Test {
 protected:
  PowerCut() {
    start();
    EXPECT_TRUE(files().make_directory("/spool"));
    EXPECT_TRUE(files().sync_directory("/"));
  }
  Files& files() { return backend->files(); }
  void start() {
    turns.reset();
    backend = world.make_backend();
    turns = std::make_unique<Turns>(*backend);
  }
  void cut() {
    world.power_cut();
    start();
  }
  Handle create(const std::string& path) {
    auto file = files().open(path, {.write = true, .create = true});
    EXPECT_TRUE(file.has_value());
    return file->handle;
  }
  Handle create_durably(const std::string& path, const std::string& text) {
    const Handle file = create(path);
    EXPECT_TRUE(files().write_at(file, bytes_of(text), 0));
    EXPECT_TRUE(files().sync(file));
    EXPECT_TRUE(files().sync_directory("/spool"));
    return file;
  }
  std::string read(const std::string& path) { return read_whole(*backend, path); }

  SimWorld world{11};
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Turns> turns;
};

TEST_F(PowerCut, loses_what_was_written_and_not_synced) {
  const Handle file = create_durably("/spool/file", "durable");
  ASSERT_TRUE(files().write_at(file, bytes_of("fleeting and longer"), 0));
  EXPECT_EQ(read("/spool/file"), "fleeting and longer");
  cut();
  EXPECT_EQ(read("/spool/file"), "durable");
}

TEST_F(PowerCut, keeps_what_was_synced) {
  const Handle file = create_durably("/spool/file", "durable");
  ASSERT_TRUE(files().write_at(file, bytes_of("again"), 7));
  Probe syncing;
  turns->submit({.kind = OpKind::sync, .handle = file, .operation = &syncing});
  ASSERT_TRUE(turns->ended(syncing));
  cut();
  EXPECT_EQ(read("/spool/file"), "durableagain");
}

TEST_F(PowerCut, keeps_a_durable_write_and_only_that) {
  const Handle file = create_durably("/spool/file", "................");
  std::string text = "kept", lost = "lost";
  const iovec vector = vector_of(text), lost_vector = vector_of(lost);
  Probe durable, fleeting;
  turns->submit({.kind = OpKind::write,
                 .durable = true,
                 .handle = file,
                 .operation = &durable,
                 .vectors = &vector,
                 .vector_count = 1,
                 .offset = 4});
  turns->submit({.kind = OpKind::write,
                 .handle = file,
                 .operation = &fleeting,
                 .vectors = &lost_vector,
                 .vector_count = 1});
  ASSERT_TRUE(turns->ended(durable));
  ASSERT_TRUE(turns->ended(fleeting));
  EXPECT_EQ(read("/spool/file"), "lostkept........");
  cut();
  EXPECT_EQ(read("/spool/file"), "....kept........");
}

TEST_F(PowerCut, a_durable_write_behind_the_end_leaves_zeros_before_it) {
  const Handle file = create_durably("/spool/file", "");
  ASSERT_TRUE(files().write_at(file, bytes_of("fleeting"), 0));
  std::string text = "kept";
  const iovec vector = vector_of(text);
  Probe durable;
  turns->submit({.kind = OpKind::write,
                 .durable = true,
                 .handle = file,
                 .operation = &durable,
                 .vectors = &vector,
                 .vector_count = 1,
                 .offset = 4});
  ASSERT_TRUE(turns->ended(durable));
  cut();
  EXPECT_EQ(read("/spool/file"), std::string(4, '\0') + "kept");
}

TEST_F(PowerCut, loses_a_write_in_flight) {
  const Handle file = create_durably("/spool/file", "before");
  std::string text = "during";
  const iovec vector = vector_of(text);
  Probe durable;
  turns->submit({.kind = OpKind::write,
                 .durable = true,
                 .handle = file,
                 .operation = &durable,
                 .vectors = &vector,
                 .vector_count = 1});
  turns->turn(Duration{0});
  world.power_cut();
  turns->settle();
  EXPECT_TRUE(durable.results.empty());  // nobody lives to hear it
  start();
  EXPECT_EQ(read("/spool/file"), "before");
}

TEST_F(PowerCut, a_synced_file_without_a_synced_name_is_gone) {
  const Handle file = create("/spool/file");
  ASSERT_TRUE(files().write_at(file, bytes_of("text"), 0));
  ASSERT_TRUE(files().sync(file));
  cut();
  EXPECT_EQ(*files().list("/spool"), std::vector<std::string>{});
}

TEST_F(PowerCut, an_unsynced_removal_comes_back) {
  create_durably("/spool/file", "text");
  ASSERT_TRUE(files().unlink("/spool/file"));
  cut();
  EXPECT_EQ(read("/spool/file"), "text");
}

TEST_F(PowerCut, an_unsynced_rename_goes_back_and_a_synced_one_stays) {
  create_durably("/spool/old", "text");
  ASSERT_TRUE(files().rename("/spool/old", "/spool/new"));
  cut();
  EXPECT_EQ(*files().list("/spool"), std::vector<std::string>{"old"});
  ASSERT_TRUE(files().rename("/spool/old", "/spool/new"));
  ASSERT_TRUE(files().sync_directory("/spool"));
  cut();
  EXPECT_EQ(read("/spool/new"), "text");
  EXPECT_EQ(*files().list("/spool"), std::vector<std::string>{"new"});
}

TEST_F(PowerCut, an_unsynced_directory_takes_its_files_with_it) {
  ASSERT_TRUE(files().make_directory("/spool/shard"));
  const Handle file = create("/spool/shard/file");
  ASSERT_TRUE(files().sync(file));
  ASSERT_TRUE(files().sync_directory("/spool/shard"));
  cut();
  EXPECT_EQ(*files().list("/spool"), std::vector<std::string>{});
}

TEST_F(PowerCut, a_truncated_file_comes_back_whole_and_regrows_with_zeros) {
  create_durably("/spool/file", "durable text");
  const auto file = files().open("/spool/file", {.write = true, .truncate = true});
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(read("/spool/file"), "");
  cut();
  EXPECT_EQ(read("/spool/file"), "durable text");
  const auto again = files().open("/spool/file", {.write = true, .truncate = true});
  ASSERT_TRUE(files().write_at(again->handle, bytes_of("x"), 5));
  ASSERT_TRUE(files().sync(again->handle));
  cut();
  EXPECT_EQ(read("/spool/file"), std::string(5, '\0') + "x");
}

TEST_F(PowerCut, releases_locks_and_closes_handles) {
  const Handle file = create_durably("/spool/lock", "");
  ASSERT_TRUE(files().lock(file));
  cut();
  EXPECT_EQ(files().size(file).error().system, EBADF);
  EXPECT_TRUE(files().lock(create("/spool/lock")));
}

TEST_F(PowerCut, zero_filled_files_survive) {
  const Handle file = create("/spool/segment");
  ASSERT_TRUE(files().zero_fill(file, 10'000));
  ASSERT_TRUE(files().sync_directory("/spool"));
  cut();
  EXPECT_EQ(read("/spool/segment"), std::string(10'000, '\0'));
}

TEST_F(PowerCut, frees_the_addresses_of_listeners) {
  const Endpoint where{IpAddress::loopback(), 25};
  ASSERT_TRUE(backend->listen(where, {.reuse_port = false}));
  cut();
  EXPECT_TRUE(backend->listen(where, {.reuse_port = false}));
}

}  // namespace

}  // namespace ringpost::io::test
