// The offline tools on a spool with mail, whole and not.
#include <csignal>
#include <filesystem>
#include <map>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/base/ids.hpp"

#include "command/exported_file.hpp"
#include "command/text_table.hpp"
#include "unit/command/world.hpp"
#include "unit/spool/spool_fixture.hpp"

namespace ringpost::command {
namespace {

using spool::testing::Machine;
using spool::testing::Station;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SpoolTools : public ::testing::Test {
 protected:
  SpoolTools() {
    EXPECT_EQ(world.run({"init", world.file("")}), kDone);
    Machine machine("epoll");
    Station at(machine);
    at.options.directory = world.file("spool");
    at.open();
    small = to_string(at.accept("small"));
    large = to_string(at.accept(std::string(200'000, 'l')));
    at.close();
  }
  std::string saved(const std::string& name) const { return world.file("saved/" + name); }
  void overwrite(const std::string& name, std::streamoff offset, std::size_t size) const {
    std::fstream file(world.file("spool/" + name), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << std::string(size, '\xA5');
  }
  World world;
  std::string small, large;
};

TEST_F(SpoolTools, export_writes_text_and_envelope) {
  ASSERT_EQ(world.run({"spool", "export", "--to", world.file("saved")}), kDone) << world.err;
  EXPECT_THAT(world.out, HasSubstr("2 messages written to"));
  EXPECT_EQ(world.read("saved/" + small + ".eml"), "small");
  EXPECT_EQ(world.read("saved/" + large + ".eml"), std::string(200'000, 'l'));
  EXPECT_THAT(world.read("saved/" + small + ".json"), HasSubstr("to@example.net"));
  for (const auto& entry : std::filesystem::directory_iterator(world.file("saved")))
    EXPECT_NE(entry.path().extension(), ".new");
}

TEST_F(SpoolTools, export_counts_as_written_only_what_is) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit low{.rlim_cur = 100'000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  const int code = world.run({"spool", "export", "--to", world.file("saved")});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(code, kFindings);
  EXPECT_THAT(world.out, AllOf(HasSubstr("1 message written to"), HasSubstr("1 not written"),
                               Not(HasSubstr("damaged"))));
  EXPECT_THAT(world.err, AllOf(HasSubstr(large + " is not written"), HasSubstr("File too large")));
  EXPECT_TRUE(std::filesystem::exists(saved(small + ".eml")));
  for (const char* suffix : {".eml", ".json", ".eml.new"})
    EXPECT_FALSE(std::filesystem::exists(saved(large + suffix)));
}

// Of three messages one does not fit: it is not there, nothing is tried behind it, and what was written before is whole.
TEST_F(SpoolTools, export_ends_at_a_full_disk) {
  if (geteuid() != 0) GTEST_SKIP() << "only root mounts a small file system";
  std::map<std::string, std::string> texts{{small, "small"}};
  {
    Machine machine("epoll");
    Station at(machine);
    at.options.directory = world.file("spool");
    at.open();
    texts[to_string(at.accept("last"))] = "last";
    at.close();
  }
  std::filesystem::create_directory(world.file("saved"));
  if (::mount("none", world.file("saved").c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "no file system can be mounted here";
  const int code = world.run({"spool", "export", "--to", world.file("saved")});
  std::size_t files = 0, written = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world.file("saved"))) {
    ++files;
    if (entry.path().extension() != ".eml") continue;
    ++written;
    EXPECT_EQ(world.read("saved/" + entry.path().filename().string()), texts[entry.path().stem()]);
  }
  ASSERT_EQ(::umount(world.file("saved").c_str()), 0);
  EXPECT_EQ(code, kFindings);
  EXPECT_EQ(files, 2 * written);
  EXPECT_LT(written, 3U);
  EXPECT_THAT(world.out,
              AllOf(HasSubstr(plural(written, "message") + " written to"),
                    HasSubstr(std::to_string(3 - written) + " not written"), Not(HasSubstr("damaged"))));
  EXPECT_THAT(world.err, AllOf(HasSubstr(large + " is not written"), HasSubstr("No space left on device"),
                               HasSubstr("mend: nothing more is tried")));
}

TEST_F(SpoolTools, export_says_once_that_its_target_is_a_file) {
  world.write("saved", "mine");
  EXPECT_EQ(world.run({"spool", "export", "--to", world.file("saved")}), kFindings);
  EXPECT_THAT(world.err, AllOf(HasSubstr("saved is no folder"), Not(HasSubstr(small))));
  EXPECT_EQ(world.read("saved"), "mine");
}

TEST_F(SpoolTools, export_never_writes_into_the_spool) {
  std::filesystem::create_directory_symlink(world.file("spool"), world.file("link"));
  for (const char* to : {"spool", "spool/shard-0", "spool/new/one", "link/new"}) {
    EXPECT_EQ(world.run({"spool", "export", "--to", world.file(to)}), kUsage);
    EXPECT_THAT(world.err, HasSubstr("is in the spool"));
  }
  EXPECT_FALSE(std::filesystem::exists(world.file("spool/new")));
  EXPECT_EQ(world.run({"spool", "export", "--to", world.file("spool-saved")}), kDone) << world.err;
}

TEST_F(SpoolTools, export_of_one_message) {
  std::string lower = small;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  EXPECT_EQ(world.run({"spool", "export", "--to", world.file("saved"), "--id", lower}), kDone) << world.err;
  EXPECT_TRUE(std::filesystem::exists(saved(small + ".eml")));
  EXPECT_FALSE(std::filesystem::exists(saved(large + ".eml")));
  EXPECT_EQ(world.run({"spool", "export", "--to", world.file("none"), "--id", "NOPE"}), kUsage);
  EXPECT_THAT(world.err, HasSubstr("--id is not a queue id"));
  EXPECT_EQ(world.run({"spool", "export", "--to", world.file("none"), "--id", "0000000000001"}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("is not in the queue"));
  EXPECT_FALSE(std::filesystem::exists(world.file("none")));
}

TEST_F(SpoolTools, all_end_with_1_on_a_damaged_spool_and_say_so) {
  overwrite("shard-0/segment-000001", 0, 8192);
  for (const char* tool : {"check", "stats", "repair"})
    EXPECT_EQ(world.run({"spool", tool}), kFindings) << tool;
  EXPECT_EQ(world.run({"spool", "stats"}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("the spool is damaged"));
  EXPECT_EQ(world.run({"spool", "dump"}), kFindings);
  EXPECT_EQ(world.run({"spool", "export", "--to", world.file("saved")}), kFindings);
  EXPECT_THAT(world.out, HasSubstr("2 messages written"));
  EXPECT_THAT(world.err, HasSubstr("the spool is damaged"));
  EXPECT_EQ(world.run({"spool", "repair", "--write"}), kDone);
  EXPECT_THAT(world.out, HasSubstr("mended; see"));
  for (const char* tool : {"check", "stats", "repair", "dump"})
    EXPECT_EQ(world.run({"spool", tool}), kDone) << tool;
}

TEST_F(SpoolTools, repair_says_mended_only_of_what_is) {
  world.write("spool/shard-7", "no directory");
  EXPECT_EQ(world.run({"spool", "repair", "--write"}), kFindings);
  EXPECT_THAT(world.out,
              AllOf(HasSubstr("shard-7 is no directory"), HasSubstr("nothing of this can be mended")));
}

TEST_F(SpoolTools, dump_of_nothing_is_a_finding) {
  EXPECT_EQ(world.run({"spool", "dump", "--id", "0000000000001"}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("no record of 0000000000001"));
}

TEST_F(SpoolTools, need_no_configuration_when_they_are_told_the_directory) {
  const std::string spool = world.file("spool");
  world.write("ringpost.toml", "this is no configuration");
  EXPECT_EQ(world.run({"spool", "check"}), kFindings);
  EXPECT_THAT(world.err, HasSubstr("--directory DIR needs none"));
  for (const char* tool : {"check", "stats", "dump", "repair"})
    EXPECT_EQ(world.run({"spool", tool, "--directory", spool}), kDone) << tool << world.err;
  EXPECT_EQ(world.run({"spool", "export", "--directory", spool, "--to", world.file("saved")}), kDone)
      << world.err;
  EXPECT_TRUE(std::filesystem::exists(saved(small + ".eml")));
}

TEST(ExportedFile, that_is_not_finished_leaves_nothing) {
  World world;
  world.write("mail", "older");
  {
    auto file = ExportedFile::make(world.file("mail"));
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write(std::as_bytes(std::span("newer", 5))));
  }
  EXPECT_EQ(world.read("mail"), "older");
  EXPECT_FALSE(std::filesystem::exists(world.file("mail.new")));
  auto file = ExportedFile::make(world.file("mail"));
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write(std::as_bytes(std::span("newer", 5))));
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(world.read("mail"), "newer");
}

}  // namespace
}  // namespace ringpost::command
