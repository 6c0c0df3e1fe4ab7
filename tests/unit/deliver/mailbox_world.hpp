// A world whose service delivers to mailboxes of here.test.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "world.hpp"

namespace ringpost::deliver::test {

class MailboxWorld : public testing::Test {
 protected:
  MailboxWorld()
      : folder_(std::filesystem::path(testing::TempDir()) /
                fmt::format("ringpost-{}-{}", getpid(), ++count_)) {
    std::filesystem::create_directories(folder_);
    world.local_domains = {"here.test"};
    world.settings().retry.warn_after = Duration{0};
  }
  ~MailboxWorld() override { std::filesystem::remove_all(folder_); }

  // May be called again after a power cut.
  void begin(std::shared_ptr<const accounts::Directory> users, std::string aliases, std::string location) {
    LocalSettings settings{.hostname = "here.test", .aliases_text = std::move(aliases)};
    settings.domains.local = {"here.test"};
    settings.mailboxes.location = std::move(location);
    auto made = Local::make(world.core(), [users] { return users; }, nullptr, std::move(settings));
    ASSERT_TRUE(made) << made.error().text;
    local_ = std::move(*made);
    world.local = local_.get();
    world.begin();
  }
  // The machine loses power; the mailboxes stay.
  void power_cut() {
    world.power_cut();
    static std::vector<std::unique_ptr<Local>>* const graveyard = new std::vector<std::unique_ptr<Local>>;
    graveyard->push_back(std::move(local_));
  }
  bool emptied(Duration within = std::chrono::hours{1}) {
    return world.run_until([&] { return world.empty(); }, within);
  }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  static inline int count_ = 0;
  std::filesystem::path folder_;
  std::unique_ptr<Local> local_;  // outlives the world

 protected:
  World world;
};

}  // namespace ringpost::deliver::test
