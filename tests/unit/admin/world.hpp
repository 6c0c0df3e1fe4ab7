// A server without cores, and a queue that a test fills by hand.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/verbs.hpp"

namespace ringpost::admin {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/ringpost_admin_XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class FakeControl final : public Control {
 public:
  FakeControl() : tables_(*tables::Tables::open(folder.file("tables.db"))) {}

  ServerStatus status() const override {
    return {.version = "0.1",
            .hostname = "mx1",
            .backend = "sim",
            .config_path = "/x.toml",
            .generation = 3,
            .draining = draining};
  }
  unsigned core_count() const override { return 0; }
  void on_each_core(const std::function<void(CoreView&)>&) override {}
  void on_core(unsigned, const std::function<void(CoreView&)>&) override {}
  Result<Reloaded> reload() override {
    ++reloads;
    return reload_result;
  }
  void stop(std::optional<Duration> drain) override { stopped = drain.value_or(Duration{-1}); }
  accounts::Accounts& accounts() override { std::abort(); }
  tables::Tables& tables() override { return *tables_; }

  Folder folder;
  bool draining = false;
  int reloads = 0;
  Result<Reloaded> reload_result;
  std::optional<Duration> stopped;

 private:
  std::unique_ptr<tables::Tables> tables_;
};

class FakeQueue final : public Queue {
 public:
  Result<std::vector<deliver::QueueSummary>> summaries() override { return summary; }
  Result<std::vector<deliver::QueuedMessage>> list(MessageId after, std::size_t limit,
                                                   const deliver::Selector& selector) override {
    selected = selector;
    std::vector<deliver::QueuedMessage> page;
    for (const auto& message : messages)
      if (message.id > after && page.size() < limit) page.push_back(message);
    return page;
  }
  Result<std::vector<deliver::QueuedMessage>> show(MessageId id) override {
    std::vector<deliver::QueuedMessage> found;
    std::ranges::copy_if(messages, std::back_inserter(found), [&](const auto& m) { return m.id == id; });
    return found;
  }
  Result<std::size_t> change(QueueChange what, const deliver::Selector& selector) override {
    changed = what;
    selected = selector;
    if (what == QueueChange::hold) now.held.push_back({selector.id, ""});
    if (what == QueueChange::release) now.held.clear();
    return change_result;
  }
  Result<std::size_t> count(const deliver::Selector& selector) override {
    selected = selector;
    return 7;
  }
  void suspend(const std::string& destination) override {
    if (std::ranges::find(now.suspended, destination) == now.suspended.end())
      now.suspended.push_back(destination);
  }
  void resume(const std::string& destination) override { std::erase(now.suspended, destination); }
  deliver::Directives directives() override { return now; }

  std::vector<deliver::QueueSummary> summary;
  std::vector<deliver::QueuedMessage> messages;
  deliver::Directives now;
  std::optional<QueueChange> changed;
  Result<std::size_t> change_result = 2;
  deliver::Selector selected;
};

inline constexpr WallTime kNow{1'795'334'400'000'000'000};  // 2026-11-22T08:00:00Z

struct World {
  FakeControl control;
  FakeQueue queue;
  DirectiveKeeper keeper{queue, control.tables()};

  // All lines of the answer.
  std::vector<Json> ask(const std::string& request, WallTime now = kNow) {
    std::vector<Json> lines;
    answer(request, control, queue, keeper, now, [&](const Json& line) { lines.push_back(line); });
    return lines;
  }
  std::vector<Json> ask(const std::string& verb, const std::string& arguments, WallTime now = kNow) {
    return ask("{\"verb\":\"" + verb + "\",\"arguments\":" + arguments + "}", now);
  }
  std::string error_of(const std::string& verb, const std::string& arguments) {
    const auto lines = ask(verb, arguments);
    EXPECT_EQ(lines.size(), 1U);
    EXPECT_NE(lines.back()["error"]["mend"].text(), "") << "every error of a user says how to mend it";
    return lines.back()["error"]["text"].text();
  }
};

inline const MessageId kFirst = MessageId::make(1, 0, 1);
inline const MessageId kSecond = MessageId::make(1, 1, 5);

inline deliver::QueuedMessage queued(MessageId id, std::size_t recipients = 1) {
  deliver::QueuedMessage message{
      .id = id, .arrival = kNow - 90s, .expiry = kNow + 1h, .sender = "anna@example.com", .size = 2048};
  for (std::size_t i = 0; i < recipients; ++i)
    message.recipients.push_back({.address = "bea" + std::to_string(i) + "@example.org",
                                  .destination = "example.org",
                                  .state = deliver::JobState::deferred,
                                  .attempts = 2,
                                  .code = 451,
                                  .next_attempt = kNow + 60s,
                                  .reason = "451 4.7.1 later"});
  return message;
}

}  // namespace ringpost::admin
