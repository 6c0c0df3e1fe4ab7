// A folder that is gone afterwards, a directory of accounts, a core, and messages: what tests of local delivery need.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/deliver/local.hpp"
#include "ringpost/scan/find.hpp"

#include "deliver/local_order.hpp"
#include "unit/shard/fake_backend.hpp"

// Names of its own: the service has a Message too.
namespace ringpost::deliver::local_test {

namespace fs = std::filesystem;

inline constexpr std::uint32_t kNobody = 65534;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "ringpost-local-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(std::string_view below = "") const {
    return below.empty() ? path_ : path_ + "/" + std::string(below);
  }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
inline void write_file(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}
inline std::vector<std::string> files_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) names.push_back(entry.path().string());
  std::ranges::sort(names);
  return names;
}
// The text of the one file there.
inline std::string only_file_in(const std::string& path) {
  const auto names = files_in(path);
  EXPECT_EQ(names.size(), 1U) << path;
  return names.size() == 1 ? read_file(names.front()) : "";
}

// A body in several pieces.
class SampleMessage {
 public:
  explicit SampleMessage(std::string text = "Subject: hello\r\n\r\nFrom here\r\nbye\r\n",
                         std::size_t piece = 7)
      : text_(std::move(text)) {
    const auto bytes = scan::as_bytes(text_);
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      pieces_.push_back(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  }
  SampleMessage(const SampleMessage&) = delete;
  SampleMessage& operator=(const SampleMessage&) = delete;
  Pieces pieces() const { return pieces_; }

 private:
  std::string text_;
  std::vector<std::span<const std::byte>> pieces_;
};

inline DeliveryOrder order_for(DeliveryOrder::Kind kind, std::string target) {
  return {.kind = kind,
          .uid = ::geteuid(),
          .gid = ::getegid(),
          .random = 0x1234,
          .target = std::move(target),
          .user = "anna",
          .hostname = "mx.example.com",
          .reverse_path = "bea@example.org",
          .recipient = "anna@example.com",
          .local_part = "anna",
          .domain = "example.com",
          .arrival = WallTime{1'700'000'000'123'456'789},
          .timeout = std::chrono::seconds(20)};
}

class People final : public accounts::Directory {
 public:
  const accounts::User* find(std::string_view local_part, std::string_view domain) const override {
    const std::string name = lower_case(local_part);
    if (const auto whole = users.find(name + "@" + std::string(domain)); whole != users.end())
      return &whole->second;
    const auto user = users.find(name);
    return user == users.end() ? nullptr : &user->second;
  }
  const std::vector<std::string>* alias(std::string_view local_part, std::string_view) const override {
    const auto found = aliases.find(lower_case(local_part));
    return found == aliases.end() ? nullptr : &found->second;
  }
  accounts::User& add(std::string name, std::string home = "") {
    return users[name] = accounts::User{.name = name, .home = std::move(home)};
  }
  static std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  }
  std::map<std::string, accounts::User> users;
  std::map<std::string, std::vector<std::string>> aliases;
};

// The addresses of what goes on, whoever its sender is.
inline std::vector<std::string> addresses(const std::vector<Forward>& forward) {
  std::vector<std::string> found;
  for (const Forward& each : forward) found.push_back(each.address);
  return found;
}

template <class T>
Task<void> keep(Task<T> task, std::optional<T>* result) {
  result->emplace(co_await std::move(task));
}

// A local delivery on a core; `core` decides about the clock.
class LocalWorld {
 public:
  explicit LocalWorld(shard::Core& core, std::string location, std::string aliases = "",
                      HelperClient* helper = nullptr)
      : core_(core) {
    settings.hostname = "mx.example.com";
    settings.domains.local = {"example.com"};
    settings.mailboxes.location = std::move(location);
    settings.mailboxes.command_timeout = std::chrono::seconds(20);
    settings.aliases_text = std::move(aliases);
    auto made = Local::make(core_, [this] { return people; }, helper, settings);
    EXPECT_TRUE(made) << made.error().text;
    local = std::move(*made);
  }
  LocalResult deliver(std::string recipient, FinishedTargets* finished = nullptr) {
    const SampleMessage message;
    std::optional<LocalResult> result;
    core_.spawn(keep(local->deliver({.recipient = recipient,
                                     .reverse_path = sender,
                                     .original_recipient = original,
                                     .body = message.pieces(),
                                     .finished = finished}),
                     &result));
    for (int turns = 0; !result && turns < 100'000; ++turns)
      core_.turn(core_.now() + std::chrono::seconds(1));
    EXPECT_TRUE(result.has_value());
    return result ? *std::move(result) : LocalResult{};
  }

  std::shared_ptr<People> people = std::make_shared<People>();
  LocalSettings settings;
  std::unique_ptr<Local> local;
  std::string original;
  std::string sender = "bea@example.org";

 private:
  shard::Core& core_;
};

}  // namespace ringpost::deliver::local_test
