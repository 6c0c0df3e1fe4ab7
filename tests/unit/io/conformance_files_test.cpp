// Files: the same scripts on every backend.
#include <sys/mman.h>

#include "unit/io/conformance.hpp"

namespace ringpost::io::test {

// The backends that every script runs on.
INSTANTIATE_TEST_SUITE_P(io, Conformance, ::testing::Values("uring", "uring_plain", "epoll", "sim"),
                         [](const auto& backend) { return backend.param; });

namespace {

// Memory that any direct file takes.
class Aligned {
 public:
  explicit Aligned(std::size_t size)
      : size_(size), data_(static_cast<char*>(std::aligned_alloc(4096, size))) {}
  ~Aligned() { std::free(data_); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  void fill(const std::string& text) { std::memcpy(data_, text.data(), std::min(size_, text.size())); }
  std::string text() const { return {data_, size_}; }
  iovec vector(std::size_t from = 0) { return {data_ + from, size_ - from}; }

 private:
  std::size_t size_;
  char* data_;
};

class ConformanceFiles : public Conformance {
 protected:
  Files& files() { return backend().files(); }
  std::string path(const std::string& name) { return world->directory() + "/" + name; }
  File create(const std::string& name, bool direct = false) {
    auto file = files().open(path(name), {.write = true, .create = true, .direct = direct});
    EXPECT_TRUE(file.has_value()) << file.error().text;
    return *file;
  }
  std::string contents(Handle file) {
    std::string text(*files().size(file) + 10, '\0');
    const auto count = files().read_at(file, std::as_writable_bytes(std::span(text)), 0);
    EXPECT_TRUE(count.has_value());
    text.resize(*count);
    return text;
  }
};

TEST_P(ConformanceFiles, writes_and_reads_at_an_offset) {
  const File file = create("file");
  std::string text = pattern(10'000, 1);
  std::string back(10'000, '\0');
  const iovec from = vector_of(text), into = vector_of(back);
  Probe writing, reading, ending;
  turns->submit(transfer(OpKind::write, file.handle, from, 500, writing));
  ASSERT_TRUE(turns->ended(writing));
  EXPECT_EQ(writing.results, std::vector<std::int32_t>{10'000});
  turns->submit(transfer(OpKind::read, file.handle, into, 500, reading));
  turns->submit(transfer(OpKind::read, file.handle, into, 10'500, ending));
  ASSERT_TRUE(turns->ended(reading));
  ASSERT_TRUE(turns->ended(ending));
  EXPECT_EQ(reading.last(), 10'000);
  EXPECT_EQ(ending.last(), 0);  // the end of the file
  EXPECT_TRUE(back == text);
  EXPECT_EQ(*files().size(file.handle), 10'500U);
  EXPECT_EQ(contents(file.handle).substr(0, 500), std::string(500, '\0'));
  EXPECT_EQ(close(file.handle), 0);
}

TEST_P(ConformanceFiles, a_read_past_the_end_gives_the_part_that_is_there) {
  const File file = create("file");
  ASSERT_TRUE(files().write_at(file.handle, std::as_bytes(std::span("12345", 5)), 0));
  std::string back(100, '\0');
  const iovec into = vector_of(back);
  EXPECT_EQ(
      run({.kind = OpKind::read, .handle = file.handle, .vectors = &into, .vector_count = 1, .offset = 2}),
      3);
  EXPECT_EQ(back.substr(0, 3), "345");
  EXPECT_EQ(close(file.handle), 0);
}

TEST_P(ConformanceFiles, gathers_and_scatters_vectors) {
  const File file = create("file");
  std::string one = "From: ", two = "a@example\r\n", back_one(3, '\0'), back_two(14, '\0');
  const std::array from{vector_of(one), vector_of(two)}, into{vector_of(back_one), vector_of(back_two)};
  EXPECT_EQ(run({.kind = OpKind::write,
                 .durable = true,
                 .handle = file.handle,
                 .vectors = from.data(),
                 .vector_count = 2}),
            17);
  EXPECT_EQ(run({.kind = OpKind::read, .handle = file.handle, .vectors = into.data(), .vector_count = 2}),
            17);
  EXPECT_EQ(back_one + back_two, "From: a@example\r\n");
  EXPECT_EQ(run({.kind = OpKind::sync, .handle = file.handle}), 0);
  EXPECT_EQ(run({.kind = OpKind::write, .handle = file.handle, .vectors = from.data(), .vector_count = 1025}),
            -EINVAL);
  EXPECT_EQ(close(file.handle), 0);
}

TEST_P(ConformanceFiles, durable_writes_with_and_without_a_registered_buffer) {
  const File file = create("file", true);
  Aligned memory(128 << 10), other(128 << 10);
  const std::string text = pattern(128 << 10, 2);
  memory.fill(text);
  const std::array registered{other.vector(), memory.vector()};
  backend().register_buffers(registered);
  ASSERT_TRUE(files().zero_fill(file.handle, 256 << 10));
  const iovec vector = memory.vector();
  Op op{.kind = OpKind::write, .durable = true, .handle = file.handle, .vectors = &vector, .vector_count = 1};
  op.registered_buffer = 1;
  EXPECT_EQ(run(op), 128 << 10);
  op.registered_buffer = -1;
  op.offset = 128 << 10;
  EXPECT_EQ(run(op), 128 << 10);
  Aligned back(256 << 10);
  EXPECT_EQ(*files().read_at(file.handle, {static_cast<std::byte*>(back.vector().iov_base), 256 << 10}, 0),
            256U << 10);
  EXPECT_TRUE(back.text() == text + text);
  // Registering again replaces; registering nothing ends it.
  backend().register_buffers({});
  op.registered_buffer = 0;
  EXPECT_EQ(run(op), 128 << 10);
  EXPECT_EQ(close(file.handle), 0);
}

TEST_P(ConformanceFiles, a_direct_file_refuses_what_is_not_aligned) {
  const File file = create("file", true);
  if (!file.direct) GTEST_SKIP() << "the file system takes no O_DIRECT";
  ASSERT_GE(file.alignment, 512U);
  ASSERT_EQ(file.alignment & (file.alignment - 1), 0U);
  ASSERT_LE(file.alignment, 4096U);
  Aligned memory(8192);
  memory.fill(pattern(8192, 3));
  const iovec whole = memory.vector(), odd_memory = memory.vector(1), odd_length{whole.iov_base, 100};
  const auto write = [&](const iovec& vector, std::uint64_t offset) {
    return run({.kind = OpKind::write,
                .handle = file.handle,
                .vectors = &vector,
                .vector_count = 1,
                .offset = offset});
  };
  EXPECT_EQ(write(whole, 0), 8192);
  EXPECT_EQ(write(odd_memory, 0), -EINVAL);
  EXPECT_EQ(write(odd_length, 0), -EINVAL);
  EXPECT_EQ(write(whole, 17), -EINVAL);
  EXPECT_EQ(close(file.handle), 0);
}

TEST_P(ConformanceFiles, a_full_disk_gives_enospc) {
  const auto file = files().open(world->full_file(), {.write = true});
  ASSERT_TRUE(file.has_value());
  std::string text(4096, 'x');
  const iovec vector = vector_of(text);
  EXPECT_EQ(run({.kind = OpKind::write, .handle = file->handle, .vectors = &vector, .vector_count = 1}),
            -ENOSPC);
  const auto written = files().write_at(file->handle, std::as_bytes(std::span(text)), 0);
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().system, ENOSPC);
  files().close(file->handle);
}

TEST_P(ConformanceFiles, writing_to_a_file_opened_for_reading_gives_ebadf) {
  files().close(create("file").handle);
  const auto file = files().open(path("file"), {});
  ASSERT_TRUE(file.has_value());
  std::string text = "text";
  const iovec vector = vector_of(text);
  EXPECT_EQ(run({.kind = OpKind::write, .handle = file->handle, .vectors = &vector, .vector_count = 1}),
            -EBADF);
  EXPECT_EQ(close(file->handle), 0);
}

TEST_P(ConformanceFiles, zero_fill_writes_zeros_over_what_was_there) {
  for (const bool direct : {false, true}) {
    const File file = create("file", direct);
    Aligned memory(8192);
    memory.fill(pattern(8192, 4));
    ASSERT_TRUE(files().write_at(file.handle, {static_cast<std::byte*>(memory.vector().iov_base), 8192}, 0));
    const std::size_t size = (2U << 20) + 4096;  // two whole chunks and a part
    ASSERT_TRUE(files().zero_fill(file.handle, size));
    EXPECT_EQ(*files().size(file.handle), size);
    Aligned back(8192);
    back.fill(pattern(8192, 5));
    EXPECT_EQ(*files().read_at(file.handle, {static_cast<std::byte*>(back.vector().iov_base), 8192}, 0),
              8192U);
    EXPECT_TRUE(back.text() == std::string(8192, '\0'));
    files().close(file.handle);
  }
}

TEST_P(ConformanceFiles, creates_exclusively_and_truncates) {
  files().close(create("file").handle);
  const auto exclusive = files().open(path("file"), {.write = true, .create = true, .exclusive = true});
  ASSERT_FALSE(exclusive.has_value());
  EXPECT_EQ(exclusive.error().system, EEXIST);
  const File file = create("file");
  ASSERT_TRUE(files().write_at(file.handle, std::as_bytes(std::span("text", 4)), 0));
  files().close(file.handle);
  const auto truncated = files().open(path("file"), {.write = true, .truncate = true});
  ASSERT_TRUE(truncated.has_value());
  EXPECT_EQ(*files().size(truncated->handle), 0U);
  files().close(truncated->handle);
  const auto missing = files().open(path("missing"), {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().system, ENOENT);
}

TEST_P(ConformanceFiles, lists_renames_and_removes) {
  ASSERT_TRUE(files().make_directory(path("queue")));
  ASSERT_TRUE(files().make_directory(path("queue")));  // it is there: fine
  for (const char* name : {"queue/b", "queue/a", "queue/c"}) files().close(create(name).handle);
  EXPECT_EQ(*files().list(path("queue")), (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_TRUE(files().rename(path("queue/c"), path("queue/a")));  // replaces
  ASSERT_TRUE(files().unlink(path("queue/b")));
  ASSERT_TRUE(files().sync_directory(path("queue")));
  EXPECT_EQ(*files().list(path("queue")), std::vector<std::string>{"a"});
  EXPECT_EQ(files().unlink(path("queue/b")).error().system, ENOENT);
  EXPECT_EQ(files().rename(path("queue/b"), path("queue/c")).error().system, ENOENT);
  EXPECT_EQ(files().list(path("nowhere")).error().system, ENOENT);
  EXPECT_EQ(files().make_directory(path("nowhere/inside")).error().system, ENOENT);
  EXPECT_EQ(files().make_directory(path("queue/a")).error().system, EEXIST);
  EXPECT_EQ(files().sync_directory(path("nowhere")).error().system, ENOENT);
  EXPECT_EQ(files().open(path("nowhere/file"), {.write = true, .create = true}).error().system, ENOENT);
}

TEST_P(ConformanceFiles, an_open_file_outlives_its_name) {
  const File file = create("file");
  ASSERT_TRUE(files().write_at(file.handle, std::as_bytes(std::span("text", 4)), 0));
  ASSERT_TRUE(files().unlink(path("file")));
  EXPECT_EQ(contents(file.handle), "text");
  files().close(file.handle);
}

TEST_P(ConformanceFiles, a_lock_excludes_until_its_file_is_closed) {
  const File first = create("lock");
  const File second = create("lock");
  ASSERT_TRUE(files().lock(first.handle));
  const auto refused = files().lock(second.handle);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().temporary());
  files().close(first.handle);
  EXPECT_TRUE(files().lock(second.handle));
  files().close(second.handle);
}

TEST_P(ConformanceFiles, tells_the_space_of_a_file_system) {
  const auto space = files().space(world->directory());
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->available, 0U);
  EXPECT_GE(space->total, space->available);
  EXPECT_EQ(files().space(path("nowhere")).error().system, ENOENT);
}

INSTANTIATE_TEST_SUITE_P(io, ConformanceFiles, ::testing::Values("uring", "uring_plain", "epoll", "sim"),
                         [](const auto& backend) { return backend.param; });

}  // namespace

}  // namespace ringpost::io::test
