// What is made of a server's words, over a connection whose other end says what it is told.
#include <algorithm>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ringpost/migrate/imap.hpp"

namespace ringpost::migrate {
namespace {

using ::testing::ElementsAre;

class Peer {
 public:
  // `answers`: the untagged responses to a command, by its first word.
  explicit Peer(std::map<std::string, std::string> answers) : answers_(std::move(answers)) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0);
    thread_ = std::thread([this] { serve(); });
  }
  // Who was given client() has closed it; else nobody reads.
  ~Peer() {
    ::shutdown(ends_[0], SHUT_RD);
    thread_.join();
    ::close(ends_[0]);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  int client() const { return ends_[1]; }

 private:
  void serve() {
    std::string got;
    char piece[4096];
    for (ssize_t size; (size = ::read(ends_[0], piece, sizeof(piece))) > 0;) {
      got.append(piece, static_cast<std::size_t>(size));
      for (std::size_t end; (end = got.find("\r\n")) != std::string::npos; got.erase(0, end + 2))
        answer(got.substr(0, end));
    }
  }
  void answer(const std::string& line) {
    const std::size_t tag = line.find(' ');
    const std::string word = line.substr(tag + 1, line.find(' ', tag + 1) - tag - 1);
    const std::string all = answers_[word] + line.substr(0, tag) + " OK done\r\n";
    EXPECT_EQ(::write(ends_[0], all.data(), all.size()), static_cast<ssize_t>(all.size()));
  }

  std::map<std::string, std::string> answers_;
  int ends_[2] = {-1, -1};
  std::thread thread_;
};

std::vector<std::string> names(const std::vector<MailboxFacts>& mailboxes) {
  std::vector<std::string> all;
  for (const MailboxFacts& each : mailboxes)
    all.push_back(each.name + (each.subscribed ? " subscribed" : ""));
  return all;
}

TEST(ImapServer, leaves_out_what_belongs_to_others_and_counts_it) {
  Peer peer({{"NAMESPACE", "* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))\r\n"},
             {"LIST",
              "* LIST () \".\" INBOX\r\n* LIST () \".\" INBOX.Sent\r\n* LIST (\\Noselect) \".\" user\r\n"
              "* LIST () \".\" user.bert\r\n* LIST () \".\" user.bert.Sent\r\n* LIST () \".\" Sent\r\n"
              "* LIST (\\Noselect) \".\" public\r\n"},
             {"LSUB", "* LSUB () \".\" INBOX\r\n* LSUB () \".\" Sent\r\n"}});
  {
    const auto server = ImapServer::over(peer.client(), "* PREAUTH [CAPABILITY IMAP4rev1 NAMESPACE] hi\r\n");
    ASSERT_TRUE(server.has_value()) << server.error().text;
    for (int times = 0; times < 2; ++times) {
      const auto mailboxes = (*server)->mailboxes();
      ASSERT_TRUE(mailboxes.has_value()) << mailboxes.error().text;
      EXPECT_THAT(names(*mailboxes), ElementsAre("INBOX subscribed", "Sent"));
      EXPECT_EQ((*server)->left_out(), 3U);
    }
  }
}

TEST(ImapServer, asks_for_namespaces_where_they_are_offered) {
  const std::map<std::string, std::string> answers{
      {"NAMESPACE", "* NAMESPACE ((\"\" \"/\")) NIL ((\"Shared/\" \"/\"))\r\n"},
      {"LIST", "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Shared/all\r\n"}};
  for (const auto& [capability, left_out] : {std::pair{"IMAP4rev1", 0U}, {"IMAP4rev2", 1U}}) {
    Peer peer(answers);
    const auto server =
        ImapServer::over(peer.client(), "* PREAUTH [CAPABILITY " + std::string(capability) + "] hi\r\n");
    ASSERT_TRUE(server.has_value()) << server.error().text;
    const auto mailboxes = (*server)->mailboxes();
    ASSERT_TRUE(mailboxes.has_value()) << mailboxes.error().text;
    EXPECT_EQ((*server)->left_out(), left_out) << capability;
    EXPECT_EQ(mailboxes->size(), 2U - left_out) << capability;
  }
}

}  // namespace
}  // namespace ringpost::migrate
