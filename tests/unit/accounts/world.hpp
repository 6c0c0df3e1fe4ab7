// Accounts in a folder of their own, and a core to log in on.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/io/sim.hpp"
#include "ringpost/shard/await.hpp"

#include "support/machine.hpp"

namespace ringpost::accounts {

class AccountsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "accountsXXXXXX";
    folder_ = mkdtemp(pattern.data());
    options_.database = folder_ + "/accounts.db";
    options_.userdb = {"sqlite"};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Accounts> open(const std::vector<std::string>& local_domains = {}) {
    return Accounts::open(options_, local_domains).value();
  }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  LoginAnswer log_in(Accounts& accounts, sasl::Credentials credentials,
                     IpAddress peer = IpAddress::ipv4(192, 0, 2, 1)) {
    LoginAnswer answer;
    EXPECT_TRUE(machine().run(into(accounts.authenticate(core(), peer, std::move(credentials)), answer)));
    return answer;
  }
  LoginAnswer log_in(Accounts& accounts, std::string_view name, std::string_view password,
                     IpAddress peer = IpAddress::ipv4(192, 0, 2, 1)) {
    sasl::Credentials credentials;
    credentials.authentication_id = name;
    credentials.password = sasl::Secret(password);
    return log_in(accounts, std::move(credentials), peer);
  }
  LoginAnswer log_in_by_token(Accounts& accounts, std::string_view token, std::string_view name = {}) {
    sasl::Credentials credentials;
    credentials.authorization_id = name;
    credentials.evidence = sasl::Evidence::token;
    credentials.password = sasl::Secret(token);
    return log_in(accounts, std::move(credentials));
  }
  KeysAnswer keys(Accounts& accounts, std::string_view name, IpAddress peer = IpAddress::ipv4(192, 0, 2, 1)) {
    KeysAnswer answer;
    EXPECT_TRUE(machine().run(into(accounts.scram_keys(core(), peer, std::string(name)), answer)));
    return answer;
  }
  void pass(Duration time) {
    EXPECT_TRUE(machine().run([](shard::Core& core, Duration rest) -> Task<void> {
      co_await shard::Sleep(core, rest);
    }(core(), time)));
  }

  ringpost::testing::Machine& machine() {
    if (!machine_) machine_ = std::make_unique<ringpost::testing::Machine>(std::make_shared<io::SimWorld>(1));
    return *machine_;
  }
  shard::Core& core() { return machine().core(); }

  template <class T>
  static Task<void> into(Task<T> task, T& result) {
    result = co_await std::move(task);
  }

  std::string folder_;
  AccountsOptions options_;
  std::unique_ptr<ringpost::testing::Machine> machine_;
};

}  // namespace ringpost::accounts
