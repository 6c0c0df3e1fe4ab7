// However the bytes are split, the session says and does the same.
#include <random>

#include <gtest/gtest.h>

#include "unit/smtp/server_driver.hpp"

namespace ringpost::smtp::testing {
namespace {

using namespace std::string_literals;

struct Dialogue {
  const char* name;
  ServerSettings settings;
  std::vector<std::string> turns;  // what the client sends before it waits
};

ServerSettings suffering(ServerSettings settings = {}) {
  settings.refuse_unauthorised_pipelining = false;
  return settings;
}

const std::vector<Dialogue>& dialogues() {
  static const std::vector<Dialogue> all{
      {"plain", {}, {std::string(kHello), std::string(kEnvelope) + "DATA\r\n", "a\r\n..b\r\n.\r\nQUIT\r\n"}},
      {"helo",
       suffering(),
       {"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"}},
      {"chunks",
       {},
       {std::string(kHello),
        std::string(kEnvelope) + "BDAT 5\r\nabc\r\nBDAT 0\r\nBDAT 4 LAST\r\n.\r\n\r" + "NOOP\r\nQUIT\r\n"}},
      {"two",
       {},
       {std::string(kHello), std::string(kEnvelope) + "DATA\r\n",
        "a\r\n.\r\n" + std::string(kEnvelope) + "BDAT 3 LAST\r\nb\r\nQUIT\r\n"}},
      {"bare", {}, {std::string(kHello), "NOOP\nX\rY\nRSET\r\nNOOP\r\n\r\n\n\r\nQUIT\r\n"}},
      {"bytes", {}, {std::string(kHello), "NO\0OP\r\n\xff\r\nNOOP\r\r\nQUIT\r\n"s}},
      {"bare BDAT", {}, {std::string(kHello), std::string(kEnvelope) + "BDAT 5 LA\nQUIT\r\n"}},
      {"BDAT behind a bare line",
       {},
       {std::string(kHello), std::string(kEnvelope) + "NOOP\nBDAT 6 LAST\nQUIT\r\nNOOP\r\n"}},
      {"bare body",
       {},
       {std::string(kHello), std::string(kEnvelope) + "DATA\r\n", "a\nb\r.\r\n\r\n.\r\nQUIT\r\n"}},
      {"normalised",
       {.bare_line_ending = BareLineEnding::normalise},
       {std::string(kHello), std::string(kEnvelope) + "DATA\r\n",
        "a\n.\nb\r.\r\r\n.\r\n\n.\r\n\r\n.\r\nQUIT\r\n"}},
      {"too large",
       {.message_size_max = 20_B},
       {std::string(kHello), std::string(kEnvelope) + "DATA\r\n",
        "0123456789012345678901234567890\r\n.\r\n" + std::string(kEnvelope) +
            "BDAT 12\r\n1234567890\r\nBDAT 30 LAST\r\n" + std::string(30, 'x') + "NOOP\r\nQUIT\r\n"}},
      {"refused",
       suffering(),
       {std::string(kHello),
        "MAIL FROM:<bad@x.example>\r\nRCPT TO:<b@x.example>\r\nBDAT 3 LAST\r\nabc"
        "MAIL FROM:<>\r\nRCPT TO:<bad@x.example>\r\nDATA\r\nRSET\r\nQUIT\r\n"}},
      {"errors", {.errors_max = 4}, {std::string(kHello), "A\r\nB\r\nC\r\nD\r\nE\r\nF\r\n"}},
      {"auth",
       suffering({.mechanisms = sasl::MechanismSet::passwords(), .auth_needs_tls = false}),
       {std::string(kHello), "AUTH LOGIN\r\n", "YW5u\r\n", "d3Jvbmc=\r\n", "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
        "QUIT\r\n"}},
      {"auth garbage",
       suffering({.mechanisms = sasl::MechanismSet::passwords(), .auth_needs_tls = false}),
       {std::string(kHello), "AUTH LOGIN\r\n", "*\r\n", "AUTH PLAIN\r\n", "a\nb\r\n",
        "AUTH PLAIN x\r\nQUIT\r\n"}},
      {"tls",
       suffering({.tls = TlsOffer::offered}),
       {std::string(kHello), "STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n", std::string(kHello) + "QUIT\r\n"}},
      {"lmtp",
       suffering({.dialect = Dialect::lmtp}),
       {"EHLO x\r\nLHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nRCPT "
        "TO:<full@x.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"}},
      {"long",
       {},
       {std::string(kHello),
        "NOOP " + std::string(700, 'x') + "\r\n" + std::string(13000, 'y') + "\r\nQUIT\r\n"}},
      {"browser", {}, {"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}},
  };
  return all;
}

struct Outcome {
  std::string output;
  std::string spoken;
  std::vector<std::string> events;
  std::vector<ReceivedMail> mails;
  bool operator==(const Outcome&) const = default;
  friend void PrintTo(const Outcome& outcome, std::ostream* out) {
    *out << outcome.output << outcome.spoken;
    for (const std::string& event : outcome.events) *out << event << "; ";
  }
};

// `next_size` says how long the next piece of the client's bytes is; `room` how much the driver gives for a body.
template <class NextSize>
Outcome run(const Dialogue& dialogue, NextSize next_size, std::size_t room) {
  TestServer server(dialogue.settings);
  server.greeted();
  server.target_bytes = room;
  for (const std::string& turn : dialogue.turns) {
    std::string_view rest = turn;
    while (!rest.empty()) {
      const std::size_t size = std::min(rest.size(), next_size());
      if (!server.feed(rest.substr(0, size))) break;
      rest.remove_prefix(size);
    }
  }
  return {server.output, server.spoken, server.events, server.mails};
}

TEST(ServerSplit, any_split_gives_the_same_conversation) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same run each time
  for (const Dialogue& dialogue : dialogues()) {
    SCOPED_TRACE(dialogue.name);
    const Outcome whole = run(dialogue, [] { return std::string::npos; }, 4096);
    ASSERT_FALSE(whole.output.empty());
    EXPECT_EQ(run(dialogue, [] { return std::size_t{1}; }, 3), whole);
    for (std::size_t size : {2U, 3U, 5U, 7U, 64U}) {
      EXPECT_EQ(run(dialogue, [size] { return size; }, 8), whole) << size;
    }
    for (int i = 0; i < 100; ++i) {
      std::uniform_int_distribution<std::size_t> sizes(1, i % 2 == 0 ? 4 : 40);
      EXPECT_EQ(run(dialogue, [&] { return sizes(random); }, 3 + sizes(random)), whole) << i;
    }
  }
}

TEST(ServerSplit, random_bytes_never_break_the_session) {
  std::mt19937 random(11);  // NOLINT(cert-msc51-cpp)
  const std::vector<std::string> words{"MAIL FROM:<a@x.example>",
                                       "RCPT TO:<b@x.example>",
                                       "DATA",
                                       "BDAT 7",
                                       "BDAT 3 LAST",
                                       "RSET",
                                       "EHLO x",
                                       "\r\n",
                                       "\r\n",
                                       "\r\n",
                                       "\n",
                                       "\r",
                                       ".",
                                       "\0"s,
                                       "AUTH PLAIN",
                                       "AGEAYg==",
                                       "*",
                                       "STARTTLS",
                                       "QUIT",
                                       "xyz",
                                       "\xff",
                                       "SIZE=1",
                                       " "};
  std::size_t mails = 0;
  for (int round = 0; round < 3000; ++round) {
    TestServer server(suffering({.tls = TlsOffer::offered,
                                 .mechanisms = sasl::MechanismSet::passwords(),
                                 .auth_needs_tls = false,
                                 .auth_failures_max = 1000,
                                 .errors_max = 1000}));
    server.greeted().feed(kHello);
    std::string stream = round % 2 == 0 ? std::string(kEnvelope) : "";
    for (int i = 0; i < 60; ++i) stream += words[random() % words.size()];
    std::string_view rest = stream;
    while (!rest.empty() && !server.ended()) {
      const std::size_t size = std::min<std::size_t>(rest.size(), 1 + random() % 20);
      server.feed(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    mails += server.mails.size();
    EXPECT_LT(server.session.memory_used(), 4096U);
  }
  EXPECT_GT(mails, 0U);
}

}  // namespace
}  // namespace ringpost::smtp::testing
