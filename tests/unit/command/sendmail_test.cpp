#include <fcntl.h>
#include <sysexits.h>

#include "ringpost/inject/pickup.hpp"
#include "ringpost/inject/pickup_format.hpp"

#include "unit/command/world.hpp"

namespace ringpost::command {
namespace {

using testing::HasSubstr;

class Sendmail : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(world_.run({"init", world_.file("")}), kDone);
    ASSERT_TRUE(inject::prepare_pickup(world_.file("pickup"), getuid(), getgid()));
  }
  int send(const std::vector<std::string>& words, const std::string& text) {
    world_.write("input", text);
    world_.err.clear();
    const int input = open(world_.file("input").c_str(), O_RDONLY | O_CLOEXEC);
    const int code = run_sendmail(world_.context(), "sendmail", words, input);
    close(input);
    return code;
  }
  std::vector<inject::PickupMessage> messages() const {
    std::vector<inject::PickupMessage> found;
    for (const auto& entry : std::filesystem::directory_iterator(world_.file("pickup"))) {
      if (!inject::is_pickup_name(entry.path().filename().string())) continue;
      std::ifstream stream(entry.path());
      std::stringstream text;
      text << stream.rdbuf();
      auto message = inject::parse_pickup(text.str());
      EXPECT_TRUE(message) << text.str();
      if (message) found.push_back(std::move(*message));
    }
    return found;
  }
  World world_;
};

TEST_F(Sendmail, leaves_the_message_in_the_pickup_directory_without_a_server) {
  ASSERT_EQ(send({"-t", "-f", "anna@example.com", "-N", "failure", "-V", "a+b"},
                 "To: bea@example.org\nBcc: c@example.org\n\nhello\n"),
            EX_OK)
      << world_.err;
  const auto found = messages();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].sender, "anna@example.com");
  ASSERT_EQ(found[0].recipients.size(), 2U);
  EXPECT_EQ(found[0].recipients[1].address, "c@example.org");
  EXPECT_EQ(found[0].recipients[0].notify.bits, mail::Notify::kFailure);
  EXPECT_EQ(found[0].envelope_id, "a+2Bb");
  EXPECT_EQ(found[0].body, "To: bea@example.org\n\nhello\n");
}

// Exit code 0 is a promise: what the server would set aside as too large is refused here.
TEST_F(Sendmail, takes_no_message_that_the_server_will_not) {
  const std::string whole =
      "Subject: x\n\n" + std::string(inject::PickupSettings{}.message_size_max - 12, 'x');
  EXPECT_EQ(send({"root"}, whole + "y"), EX_DATAERR);
  EXPECT_THAT(world_.err, HasSubstr("larger than"));
  EXPECT_EQ(send({"-F", "Anna", "root"}, whole), EX_DATAERR) << "a From field of ours comes on top";
  EXPECT_TRUE(messages().empty());
  EXPECT_EQ(send({"root"}, whole), EX_OK) << world_.err;
  ASSERT_EQ(messages().size(), 1U);
  EXPECT_EQ(messages()[0].body.size(), whole.size());
}

TEST_F(Sendmail, without_f_leaves_the_sender_to_the_owner_of_the_file) {
  ASSERT_EQ(send({"root"}, "Subject: x\n\n"), EX_OK) << world_.err;
  const auto found = messages();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].sender, std::nullopt);
  EXPECT_EQ(found[0].recipients[0].address, "root");
  EXPECT_FALSE(found[0].smtputf8);
}

TEST_F(Sendmail, asks_for_smtputf8_only_when_an_address_needs_it) {
  ASSERT_EQ(send({"-f", "anna@example.com", "j\xC3\xB6rg@example.org"}, "\nx\n"), EX_OK) << world_.err;
  EXPECT_TRUE(messages().at(0).smtputf8);
}

TEST_F(Sendmail, has_the_exit_codes_of_sysexits) {
  EXPECT_EQ(send({}, "\n"), EX_USAGE);
  EXPECT_EQ(send({"-t"}, "Subject: x\n\n"), EX_USAGE);
  EXPECT_EQ(send({"-Z"}, "\n"), EX_USAGE);
  EXPECT_EQ(send({"a b@@"}, "\n"), EX_DATAERR);
  EXPECT_EQ(send({"-f", "a\nRecipient: x@example.com", "b@example.com"}, "\n"), EX_DATAERR);
  EXPECT_EQ(send({"-bp"}, ""), EX_UNAVAILABLE);
  EXPECT_THAT(world_.err, HasSubstr("ringpost serve"));
  EXPECT_TRUE(messages().empty());
  std::filesystem::remove_all(world_.file("pickup"));
  EXPECT_NE(send({"b@example.com"}, "\n"), EX_OK);
  EXPECT_THAT(world_.err, HasSubstr(world_.file("pickup")));
}

TEST_F(Sendmail, as_newaliases_counts_or_names_the_line) {
  EXPECT_EQ(run_sendmail(world_.context(), "newaliases", {}, -1), EX_OK);
  EXPECT_THAT(world_.out, HasSubstr("when it starts"));
  world_.write("aliases", "a: b\nbroken\n");
  EXPECT_EQ(run_sendmail(world_.context(), "newaliases", {}, -1), EX_DATAERR);
  EXPECT_THAT(world_.err, HasSubstr("aliases:2:"));
}

TEST(SendmailNames, are_these_three) {
  EXPECT_TRUE(is_sendmail_name("sendmail") && is_sendmail_name("mailq") && is_sendmail_name("newaliases"));
  EXPECT_FALSE(is_sendmail_name("ringpost"));
}

}  // namespace
}  // namespace ringpost::command
