#include "ringpost/tls/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/base/option_table.hpp"

namespace ringpost::tls {
namespace {

OptionValue text(std::string written) {
  return {.value = std::move(written), .source = {0, 1}};
}
OptionValue table(OptionValue::Table entries) {
  return {.value = std::move(entries), .source = {0, 1}};
}

struct Read {
  TlsOptions options;
  std::vector<std::string> problems;  // "tls key: what"
};
Read read(OptionValue::Table entries) {
  Read result;
  OptionReader reader({.directories = {"/etc/ringpost"}});
  option_table(&result.options).read(&result.options, table(std::move(entries)), reader);
  for (const OptionProblem& problem : reader.take_problems())
    result.problems.push_back(fmt::format("{}: {}", problem.key, problem.message));
  return result;
}

TEST(TlsOptions, takes_certificates_by_name) {
  const Read all = read(
      {{"certificate", text("tls/fullchain.pem")},
       {"key", text("tls/key.pem")},
       {"version_min", text("1.3")},
       {"sni",
        table({{"mail.example.net", table({{"certificate", text("/c.pem")}, {"key", text("net.key")}})}})}});
  EXPECT_THAT(all.problems, testing::IsEmpty());
  EXPECT_EQ(all.options.certificate.text, "/etc/ringpost/tls/fullchain.pem");
  EXPECT_EQ(all.options.version_min, Version::tls_1_3);
  EXPECT_EQ(all.options.sni.at("mail.example.net").certificate.text, "/c.pem");
  EXPECT_EQ(all.options.sni.at("mail.example.net").key.text, "/etc/ringpost/net.key");
}

TEST(TlsOptions, is_off_by_default) {
  const Read none = read({});
  EXPECT_THAT(none.problems, testing::IsEmpty());
  EXPECT_TRUE(none.options.certificate.empty());
}

TEST(TlsOptions, wants_certificate_and_key_together) {
  EXPECT_THAT(read({{"certificate", text("c.pem")}}).problems,
              testing::ElementsAre("certificate: a certificate without its key"));
  EXPECT_THAT(read({{"key", text("k.pem")}}).problems,
              testing::ElementsAre("key: a key without its certificate"));
}

TEST(TlsOptions, wants_a_main_certificate_beside_named_ones) {
  const auto named = table({{"a.example", table({{"certificate", text("c.pem")}, {"key", text("k.pem")}})}});
  EXPECT_THAT(
      read({{"sni", named}}).problems,
      testing::ElementsAre("sni: names have certificates, but clients that ask for no name have none"));
}

TEST(TlsOptions, refuses_an_unknown_version) {
  EXPECT_EQ(read({{"version_min", text("1.1")}}).problems.size(), 1U);
}

TEST(TlsOptions, refuses_a_name_without_key) {
  const auto named = table({{"a.example", table({{"certificate", text("c.pem")}})}});
  const Read half = read({{"certificate", text("c.pem")}, {"key", text("k.pem")}, {"sni", named}});
  EXPECT_EQ(half.problems.size(), 1U);
}

}  // namespace
}  // namespace ringpost::tls
