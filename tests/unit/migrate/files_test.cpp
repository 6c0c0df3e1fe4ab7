// Maildirs and mboxes: written, read, broken.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/migrate/maildir.hpp"
#include "ringpost/migrate/mbox.hpp"

#include "migrate/mbox_form.hpp"

namespace ringpost::migrate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Files : public ::testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/ringpost_migrate_XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Note note() {
    return [this](const std::string& text) { notes_.push_back(text); };
  }

  struct Had {
    MailboxFacts mailbox;
    std::vector<MessageFacts> messages;
    std::vector<std::string> bytes;
  };
  // All of the mailbox.
  Had all_of(Source& source, const std::string& name) {
    Had had;
    const auto mailboxes = source.mailboxes();
    EXPECT_TRUE(mailboxes.has_value());
    for (const MailboxFacts& each : *mailboxes)
      if (each.name == name) had.mailbox = each;
    auto messages = source.open(had.mailbox, false);
    EXPECT_TRUE(messages.has_value()) << messages.error().text;
    had.messages = *messages;
    const auto take = [&](const MessageFacts&, std::string bytes) -> Result<void> {
      had.bytes.push_back(std::move(bytes));
      return {};
    };
    EXPECT_TRUE(source.read(had.messages, take, note()).has_value());
    return had;
  }
  static std::vector<std::string> names(Source& source) {
    std::vector<std::string> all;
    for (const MailboxFacts& each : *source.mailboxes()) all.push_back(each.name);
    return all;
  }

  std::string folder_;
  std::vector<std::string> notes_;
};

MessageFacts message(std::uint32_t uid, std::uint8_t flags, std::vector<std::string> keywords = {}) {
  MessageFacts facts{.uid = uid, .date = 1'700'000'000 + uid};
  facts.flags.system.bits = flags;
  facts.flags.keywords = std::move(keywords);
  return facts;
}

// ---- Maildir

TEST_F(Files, a_maildir_that_was_written_is_read_the_same) {
  const std::vector<MessageFacts> written{
      message(3, imap::SystemFlags::kSeen | imap::SystemFlags::kDraft, {"$Forwarded", "work"}),
      message(7, 0)};
  const std::vector<std::string> bytes{"Subject: a\r\n\r\nFrom here\r\n", "Subject: b\r\n\r\nno end"};
  auto target = write_maildir(path("out"), note());
  ASSERT_TRUE(target.has_value());
  for (const char* name : {"INBOX", "a.b/Entwürfe"}) {
    ASSERT_TRUE(
        (*target)->begin({.name = name, .subscribed = true, .uid_validity = 5, .uid_next = 9}).has_value());
    for (std::size_t i = 0; i < written.size(); ++i)
      ASSERT_TRUE((*target)->put(written[i], bytes[i]).has_value());
    ASSERT_TRUE((*target)->end().has_value());
  }
  ASSERT_TRUE((*target)->finish().has_value());
  EXPECT_EQ(std::filesystem::status(path("out")).permissions(), std::filesystem::perms::owner_all);

  auto source = read_maildir(path("out"), {}, note());
  ASSERT_TRUE(source.has_value());
  EXPECT_THAT(names(**source), ElementsAre("INBOX", "a.b/Entwürfe"));
  for (const char* name : {"INBOX", "a.b/Entwürfe"}) {
    const Had had = all_of(**source, name);
    EXPECT_EQ(had.mailbox.uid_validity, 5U);
    EXPECT_EQ(had.mailbox.uid_next, 9U);
    ASSERT_EQ(had.messages.size(), 2U);
    for (std::size_t i = 0; i < written.size(); ++i) {
      EXPECT_EQ(had.messages[i].uid, written[i].uid);
      EXPECT_EQ(had.messages[i].flags, written[i].flags);
      EXPECT_EQ(had.messages[i].date, written[i].date);
      EXPECT_EQ(had.bytes[i], bytes[i]);
    }
  }
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(Files, a_maildir_is_not_written_over_something) {
  write("out/x", "");
  EXPECT_THAT(write_maildir(path("out"), note()).error().text, HasSubstr("not empty"));
}

TEST_F(Files, files_without_a_uid_come_last) {
  write("m/cur/2.b:2,S", "x\n");
  write("m/new/1.a", "y\n");
  write("m/dovecot-uidlist", "3 V9 N5\n4 :2.b\n");
  auto source = read_maildir(path("m"), {}, note());
  const Had had = all_of(**source, "INBOX");
  ASSERT_EQ(had.messages.size(), 2U);
  EXPECT_EQ(had.messages[0].uid, 4U);
  EXPECT_EQ(had.messages[1].uid, 0U);
  EXPECT_THAT(had.bytes, ElementsAre("x\r\n", "y\r\n"));
}

TEST_F(Files, a_broken_uidlist_ends_it_unless_new_uids_are_wanted) {
  write("m/cur/1.a:2,", "x\n");
  write("m/new/.keep", "");
  write("m/dovecot-uidlist", "3 V9 N5\nfour :1.a\n");
  auto source = read_maildir(path("m"), {}, note());
  MailboxFacts inbox = (*source)->mailboxes()->front();
  EXPECT_THAT((*source)->open(inbox, false).error().text,
              ::testing::AllOf(HasSubstr("line 2"), HasSubstr("--new-uids")));
  auto anew = read_maildir(path("m"), {.new_uids = true}, note());
  EXPECT_EQ(all_of(**anew, "INBOX").messages.size(), 1U);
}

TEST_F(Files, a_mail_that_is_renamed_meanwhile_is_found_and_one_that_has_gone_is_noted) {
  write("m/cur/1.a:2,", "x\n");
  write("m/new/2.b", "y\n");
  auto source = read_maildir(path("m"), {}, note());
  MailboxFacts inbox = (*source)->mailboxes()->front();
  const auto messages = *(*source)->open(inbox, false);
  std::filesystem::rename(path("m/cur/1.a:2,"), path("m/cur/1.a:2,S"));
  std::filesystem::remove(path("m/new/2.b"));
  std::vector<std::string> bytes;
  ASSERT_TRUE((*source)
                  ->read(
                      messages,
                      [&](const MessageFacts&, std::string text) -> Result<void> {
                        bytes.push_back(std::move(text));
                        return {};
                      },
                      note())
                  .has_value());
  EXPECT_THAT(bytes, ElementsAre("x\r\n"));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("has gone")));
}

TEST_F(Files, folders_in_folders_are_mailboxes_too) {
  for (const char* each : {"m/Sent/cur/1.a:2,S", "m/Sent/new/.k", "m/inbox/cur/1.b:2,", "m/inbox/new/.k",
                           "m/Sent/2024/cur/.k", "m/Sent/2024/new/.k"})
    write(each, "x\n");
  auto source = read_maildir(path("m"), {}, note());
  EXPECT_THAT(names(**source), ElementsAre("INBOX", "Sent", "Sent/2024"));
}

// ---- mbox

TEST(MboxForm, dates_of_from_lines) {
  const std::int64_t time = 1'767'402'334;  // 2026-01-03T01:05:34Z
  EXPECT_EQ(from_line_date("From joe@example.com Sat Jan  3 01:05:34 2026\n"), time);
  EXPECT_EQ(from_line_date("From joe Sat Jan 3 02:05:34 +0100 2026"), time);
  EXPECT_EQ(from_line_date("From joe Sat Jan 3 00:05:34 2026 -0100"), time);
  EXPECT_EQ(from_line_date("From joe Sat Jan 3 01:05 2026"), time - 34);
  EXPECT_EQ(from_line_date("From here on we meet at 10:30 2026"), std::nullopt);
  EXPECT_EQ(from_line_date("From joe Sat Feb 30 01:05:34 2026"), std::nullopt);
  EXPECT_EQ(from_line_date("from joe Sat Jan  3 01:05:34 2026"), std::nullopt);
}

constexpr const char* kTwo =
    "From a@b.example Sat Jan  3 01:05:34 2026\n"
    "Subject: one\nX-IMAPbase: 77 0000000012 work\nX-UID: 4\nStatus: RO\nX-Status: AF\nX-Keywords: work\n"
    "\n>From me\n>>From him\nFrom the street\n\nFrom nowhere\n"
    "\n"
    "From c@d.example Sat Jan  3 01:05:35 2026\n"
    "Subject: two\nX-UID: 9\n\nend\n\n";

TEST_F(Files, an_mbox_gives_flags_uids_and_text) {
  write("box", kTwo);
  auto source = read_mbox(path("box"), {}, note());
  const Had had = all_of(**source, "INBOX");
  EXPECT_EQ(had.mailbox.uid_validity, 77U);
  EXPECT_EQ(had.mailbox.uid_next, 13U);
  ASSERT_EQ(had.messages.size(), 2U);
  EXPECT_EQ(had.messages[0].uid, 4U);
  EXPECT_EQ(had.messages[0].flags.system.bits,
            imap::SystemFlags::kSeen | imap::SystemFlags::kAnswered | imap::SystemFlags::kFlagged);
  EXPECT_THAT(had.messages[0].flags.keywords, ElementsAre("work"));
  EXPECT_THAT(
      had.bytes,
      ElementsAre("Subject: one\r\n\r\nFrom me\r\n>From him\r\nFrom the street\r\n\r\nFrom nowhere\r\n",
                  "Subject: two\r\n\r\nend\r\n"));
  EXPECT_EQ(had.messages[1].key, key_of(had.bytes[1], had.messages[1].date));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(Files, an_mbox_that_was_written_is_read_the_same) {
  auto target = write_mbox(path("out"), true, note());
  const std::vector<std::string> bytes{
      "Return-Path: <a@b.example>\r\nSubject: x\r\n\r\nFrom a\r\n>From b\r\n\r\n", "Subject: y\r\n\r\n\r\n"};
  const std::vector<MessageFacts> written{message(2, imap::SystemFlags::kSettable, {"k"}), message(5, 0)};
  for (const char* name : {"INBOX", "a", "a/../b"}) {
    ASSERT_TRUE((*target)->begin({.name = name, .uid_validity = 8, .uid_next = 6}).has_value());
    for (std::size_t i = 0; i < written.size(); ++i)
      ASSERT_TRUE((*target)->put(written[i], bytes[i]).has_value());
    ASSERT_TRUE((*target)->end().has_value());
  }
  EXPECT_THAT(read("out/a.mbox"), HasSubstr("From a@b.example "));
  auto source = read_mbox(path("out"), {}, note());
  EXPECT_THAT(names(**source), ElementsAre("INBOX", "a", "a/_../b"));
  const Had had = all_of(**source, "a");
  EXPECT_THAT(had.bytes, ::testing::ElementsAreArray(bytes));
  EXPECT_EQ(had.mailbox.uid_validity, 8U);
  for (std::size_t i = 0; i < written.size(); ++i) {
    EXPECT_EQ(had.messages[i].uid, written[i].uid);
    EXPECT_EQ(had.messages[i].flags, written[i].flags);
    EXPECT_EQ(had.messages[i].date, written[i].date);
  }
}

TEST_F(Files, a_cut_mbox_is_noted_and_all_that_is_there_is_had) {
  write("box", std::string(kTwo).substr(0, std::string(kTwo).size() - 4));
  auto source = read_mbox(path("box"), {}, note());
  EXPECT_EQ(all_of(**source, "INBOX").bytes.back(), "Subject: two\r\n\r\ne");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("cut off")));
}

TEST_F(Files, what_is_no_mbox_is_refused) {
  write("box", "Subject: a mail\n\nx\n");
  auto source = read_mbox(path("box"), {}, note());
  MailboxFacts inbox = (*source)->mailboxes()->front();
  EXPECT_THAT((*source)->open(inbox, false).error().text, HasSubstr("no mbox"));
  EXPECT_FALSE(read_mbox(path("nothing"), {}, note()).has_value());
  std::filesystem::create_directories(path("empty"));
  EXPECT_THAT(read_mbox(path("empty"), {}, note()).error().text, HasSubstr("neither"));
}

// A Maildir may be anybody's, and root may read it.
TEST_F(Files, nothing_is_followed_out_of_a_maildir) {
  write("secret", "of root\n");
  write("out/cur/1:2,", "Subject: out\n\n");
  write("md/cur/1:2,", "Subject: in\n\n");
  std::filesystem::create_symlink(path("secret"), path("md/cur/2:2,"));
  std::filesystem::create_symlink(".", path("md/.Loop"));
  std::filesystem::create_directory_symlink(path("out"), path("md/.Out"));
  ASSERT_EQ(mkfifo(path("md/cur/3:2,").c_str(), 0600), 0);
  auto source = read_maildir(path("md"), {}, note()).value();
  EXPECT_THAT(names(*source), ElementsAre("INBOX"));
  EXPECT_THAT(all_of(*source, "INBOX").bytes, ElementsAre("Subject: in\r\n\r\n"));
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("/2:2, is left out: a symbolic link")));
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("/3:2, is left out: no file")));
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("/.Loop is left out: a symbolic link")));
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("/.Out is left out: a symbolic link")));
}

TEST_F(Files, a_name_that_changes_while_it_is_read_leads_nowhere) {
  write("secret/1:2,", "of root\n");
  write("md/cur/1:2,", "Subject: in\n\n");
  auto source = read_maildir(path("md"), {}, note()).value();
  MailboxFacts inbox = source->mailboxes().value().front();
  const auto messages = source->open(inbox, false).value();
  ASSERT_EQ(messages.size(), 1U);
  std::filesystem::rename(path("md/cur"), path("md/was"));
  std::filesystem::create_directory_symlink(path("secret"), path("md/cur"));
  std::vector<std::string> noted;
  const auto take = [](const MessageFacts&, const std::string& bytes) -> Result<void> {
    ADD_FAILURE() << "it was given " << bytes;
    return {};
  };
  EXPECT_TRUE(source->read(messages, take, [&](std::string text) { noted.push_back(std::move(text)); }));
  EXPECT_THAT(noted, ElementsAre(HasSubstr("symbolic link")));
}

TEST_F(Files, what_is_left_out_of_a_maildir_is_named) {
  write("md/cur/1:2,", "a\n");
  write("md/.Only/cur/1:2,", "without new, as copies are that leave out empty folders\n");
  write("md/.D..E/cur/1:2,", "b\n");
  write("md/.Twice/new/1", "c\n");
  write("md/Twice/cur/1:2,", "d\n");
  auto source = read_maildir(path("md"), {}, note()).value();
  EXPECT_THAT(names(*source), ElementsAre("INBOX", "Only", "Twice"));
  EXPECT_EQ(all_of(*source, "Only").bytes.size(), 1U);
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("/.D..E is left out: its name")));
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("another folder has the same name")));
}

TEST_F(Files, nothing_is_followed_out_of_a_folder_of_mboxes) {
  write("secret", "From a Thu Jan  1 00:00:00 2026\n\nof root\n");
  write("all/Good.mbox", "From a Thu Jan  1 00:00:00 2026\nSubject: in\n\n");
  write("all/Good", "From a Thu Jan  1 00:00:00 2026\nSubject: too\n\n");
  std::filesystem::create_symlink(path("secret"), path("all/Bad"));
  auto source = read_mbox(path("all"), {}, note()).value();
  EXPECT_THAT(names(*source), ElementsAre("Good"));
  EXPECT_EQ(all_of(*source, "Good").bytes.size(), 1U);
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("Bad is left out: a symbolic link")));
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("another file has the same name")));
  std::filesystem::create_symlink(path("secret"), path("named"));  // what the caller names is followed
  EXPECT_EQ(all_of(*read_mbox(path("named"), {}, note()).value(), "INBOX").bytes.size(), 1U);
}

TEST_F(Files, the_date_of_a_message_is_the_same_each_time) {
  write("without", "From somebody\nSubject: first\n\n\nFrom a Thu Jan  1 00:00:00 2026\nSubject: b\n\n");
  write("alone", "From somebody\nSubject: first\n\n");
  const auto dates = [&](const std::string& name) {
    std::vector<std::int64_t> all;
    for (const MessageFacts& each : all_of(*read_mbox(path(name), {}, note()).value(), "INBOX").messages)
      all.push_back(each.date);
    return all;
  };
  EXPECT_THAT(dates("without"), ElementsAre(1'767'225'600, 1'767'225'600)) << "that of the next one";
  EXPECT_THAT(dates("alone"), ElementsAre(1));
}

}  // namespace
}  // namespace ringpost::migrate
