// The text of pickup files, and how they come to be.
#include "ringpost/inject/pickup_format.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ringpost/inject/limits.hpp"

#include "inject/pickup_file.hpp"
#include "unit/inject/folder.hpp"

namespace ringpost::inject {
namespace {

using testing::HasSubstr;

PickupMessage sample() {
  PickupMessage message;
  message.sender = "anna@example.com";
  message.recipients = {{"bea@example.org", {}}, {"root", {mail::Notify::kFailure | mail::Notify::kDelay}}};
  message.dsn_return = mail::DsnReturn::headers;
  message.envelope_id = "QQ+2B1";
  message.smtputf8 = true;
  message.body = "Subject: x\n\nRecipient: not one\n\nSize: 9\n";
  return message;
}

TEST(PickupFormat, reads_back_what_it_writes) {
  const PickupMessage message = sample();
  const auto back = parse_pickup(format_pickup(message));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->sender, message.sender);
  EXPECT_EQ(back->recipients, message.recipients);
  EXPECT_EQ(back->dsn_return, message.dsn_return);
  EXPECT_EQ(back->envelope_id, message.envelope_id);
  EXPECT_TRUE(back->smtputf8);
  EXPECT_EQ(back->body, message.body);
}

TEST(PickupFormat, knows_the_null_sender_from_none) {
  PickupMessage message = sample();
  message.sender = "";
  EXPECT_EQ(parse_pickup(format_pickup(message))->sender, "");
  message.sender.reset();
  EXPECT_EQ(parse_pickup(format_pickup(message))->sender, std::nullopt);
}

TEST(PickupFormat, refuses_every_part_of_a_file) {
  const std::string whole = format_pickup(sample());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_pickup(whole.substr(0, size))) << size;
  EXPECT_FALSE(parse_pickup(whole + "x"));
}

TEST(PickupFormat, refuses_what_it_does_not_know) {
  const std::string start = "Ringpost-Pickup: 1\n";
  const std::string end = "Recipient: a@b\nSize: 0\n\n";
  ASSERT_TRUE(parse_pickup(start + end));
  for (const char* line :
       {"Colour: red\n", "Sender\n", "Notify: FAILURE\n", "Return: half\n", "Smtputf8: no\n",
        "Sender: a\x01@b\n", "Sender: a@b\nSender: c@d\n", "Size: 0\n", "Size: -1\n", "Size: 1x\n"})
    EXPECT_FALSE(parse_pickup(start + line + end)) << line;
  EXPECT_FALSE(parse_pickup("Ringpost-Pickup: 2\n" + end));
  EXPECT_FALSE(parse_pickup(end));
  EXPECT_FALSE(parse_pickup(start + "Size: 0\n\n")) << "nobody gets it";
  EXPECT_FALSE(parse_pickup(start + "Recipient: a@b\nNotify: SOMETIMES\nSize: 0\n\n"));
}

TEST(PickupFormat, bounds_its_lines) {
  const auto with = [](std::size_t size) {
    return "Ringpost-Pickup: 1\nRecipient: " + std::string(size - 11, 'a') + "\nSize: 0\n\n";
  };
  EXPECT_TRUE(parse_pickup(with(kPickupLineMax)));
  EXPECT_FALSE(parse_pickup(with(kPickupLineMax + 1)));
}

TEST(PickupFormat, bounds_its_recipients) {
  PickupMessage message = sample();
  message.recipients.assign(kPickupRecipientsMax, {"a@b", {}});
  EXPECT_TRUE(parse_pickup(format_pickup(message)));
  message.recipients.push_back({"a@b", {}});
  EXPECT_FALSE(parse_pickup(format_pickup(message)));
}

TEST(PickupLines, all_end_in_crlf) {
  EXPECT_EQ(with_crlf("a\nb\r\nc\rd"), "a\r\nb\r\nc\r\nd\r\n");
  EXPECT_EQ(with_crlf("a\r\r\n\n"), "a\r\n\r\n\r\n");
  EXPECT_EQ(with_crlf(""), "");
}

TEST(PickupWriter, leaves_one_finished_file_that_the_group_may_read) {
  const Folder folder;
  ASSERT_TRUE(prepare_pickup(folder.path("pickup"), ::geteuid(), ::getegid()));
  const auto name = write_pickup(folder.path("pickup"), sample());
  ASSERT_TRUE(name) << name.error().text;
  EXPECT_TRUE(is_pickup_name(*name));
  struct stat found{};
  ASSERT_EQ(::stat(folder.path("pickup/" + *name).c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0640U);
  EXPECT_EQ(*list_pickup(folder.path("pickup"), 10, {}), std::vector<std::string>{*name});
  const auto file = read_pickup(folder.path("pickup"), *name, 1000);
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(file->owner, ::geteuid());
  EXPECT_EQ(file->message.body, "Subject: x\r\n\r\nRecipient: not one\r\n\r\nSize: 9\r\n");
}

TEST(PickupWriter, says_what_is_wrong) {
  const Folder folder;
  EXPECT_THAT(write_pickup(folder.path("missing"), sample()).error().text, HasSubstr(folder.path("missing")));
  ASSERT_TRUE(prepare_pickup(folder.path("pickup"), ::geteuid(), ::getegid()));
  PickupMessage message = sample();
  message.recipients.clear();
  EXPECT_THAT(write_pickup(folder.path("pickup"), message).error().text, HasSubstr("recipient"));
  message = sample();
  message.recipients.front().address = "a@b\nSender: evil@example.org";
  EXPECT_FALSE(write_pickup(folder.path("pickup"), message));
  message = sample();
  message.body.assign(kPickupBodyMax + 1, 'a');
  EXPECT_FALSE(write_pickup(folder.path("pickup"), message));
  EXPECT_EQ(files_in(folder.path("pickup")).size(), 1U) << "only the folder bad";
}

TEST(PickupDirectory, lets_everybody_leave_a_file_and_nobody_look) {
  const Folder folder;
  ASSERT_TRUE(prepare_pickup(folder.path("pickup"), ::geteuid(), ::getegid()));
  struct stat found{};
  ASSERT_EQ(::stat(folder.path("pickup").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 03733U);
  ASSERT_TRUE(prepare_pickup(folder.path("pickup"), ::geteuid(), ::getegid())) << "it may be there";
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to be somebody else too";
  ::chmod(folder.path().c_str(), 0755);
  const pid_t other = ::fork();
  if (other == 0) {
    // nobody: may write, may neither list nor read what others wrote.
    const auto mine = write_pickup(folder.path("pickup"), sample());
    const std::string name = mine ? *mine : "";
    if (::setgid(65534) != 0 || ::setgroups(0, nullptr) != 0 || ::setuid(65534) != 0 || name.empty())
      ::_exit(1);
    if (list_pickup(folder.path("pickup"), 10, {})) ::_exit(2);
    if (read_pickup(folder.path("pickup"), name, 1000)) ::_exit(3);
    if (::unlink(folder.path("pickup/" + name).c_str()) == 0) ::_exit(4);
    ::_exit(write_pickup(folder.path("pickup"), sample()) ? 0 : 5);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto names = list_pickup(folder.path("pickup"), 10, {});
  ASSERT_EQ(names->size(), 2U);
  EXPECT_EQ(read_pickup(folder.path("pickup"), names->at(1), 1000)->owner, 65534U);
  ASSERT_EQ(::stat(folder.path("pickup/" + names->at(1)).c_str(), &found), 0);
  EXPECT_EQ(found.st_gid, ::getegid()) << "the folder's group, so that the server may read it";
}

TEST(PickupReader, distrusts_links_pipes_and_large_files) {
  const Folder folder;
  ASSERT_TRUE(prepare_pickup(folder.path("p"), ::geteuid(), ::getegid()));
  const auto name = [&](int i) { return "mail-" + std::to_string(i); };
  write_file(folder.path("secret"), format_pickup(sample()));
  std::filesystem::create_symlink(folder.path("secret"), folder.path("p/" + name(1)));
  std::filesystem::create_hard_link(folder.path("secret"), folder.path("p/" + name(2)));
  ASSERT_EQ(::mkfifo(folder.path("p/" + name(3)).c_str(), 0600), 0);
  write_file(folder.path("p/" + name(4)), "");
  for (int i = 1; i <= 4; ++i) {
    const auto read = read_pickup(folder.path("p"), name(i), 1000);
    ASSERT_FALSE(read) << i;
    EXPECT_EQ(read.error().kind, ErrorKind::permanent) << i;
  }
  EXPECT_EQ(read_pickup(folder.path("p"), name(5), 1000).error().kind, ErrorKind::closed);
  PickupMessage message = sample();
  message.body.assign(1000, 'a');
  write_file(folder.path("p/" + name(6)), format_pickup(message));
  EXPECT_TRUE(read_pickup(folder.path("p"), name(6), 1000));
  EXPECT_FALSE(read_pickup(folder.path("p"), name(6), 999));
}

TEST(PickupReader, lists_the_oldest_first_and_clears_away_what_was_never_finished) {
  const Folder folder;
  for (const char* name : {"mail-3", "mail-1", "mail-2", "tmp-4", "tmp-5", "notes"})
    write_file(folder.path(name), "x");
  std::filesystem::last_write_time(folder.path("tmp-5"), std::filesystem::file_time_type::clock::now() -
                                                             kPickupUnfinishedMax - std::chrono::seconds(5));
  EXPECT_EQ(*list_pickup(folder.path(), 2, {"mail-1"}), (std::vector<std::string>{"mail-2", "mail-3"}));
  EXPECT_EQ(*list_pickup(folder.path(), 2, {}), (std::vector<std::string>{"mail-1", "mail-2"}));
  EXPECT_TRUE(std::filesystem::exists(folder.path("tmp-4")));
  EXPECT_FALSE(std::filesystem::exists(folder.path("tmp-5")));
}

}  // namespace
}  // namespace ringpost::inject
