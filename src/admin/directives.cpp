#include "ringpost/admin/directives.hpp"

#include <charconv>
#include <chrono>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace ringpost::admin {

namespace {

constexpr std::string_view kTable = "directives";
constexpr std::string_view kHold = "hold/";
constexpr std::string_view kSuspend = "suspend/";
constexpr std::string_view kRule = "rule/";

WallTime wall_now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::string key_of(const deliver::Directives::Held& held) {
  return std::string(kHold) + to_string(held.id) + "/" + held.destination;
}
std::string key_of(std::string_view destination) {
  return std::string(kSuspend) + std::string(destination);
}

// Rows that somebody has broken by hand are passed over: mail that goes out is better than a server that does not start.
std::optional<deliver::Directives::Held> parse_held(std::string_view key) {
  key.remove_prefix(kHold.size());
  const std::size_t slash = key.find('/');
  if (slash == key.npos) return std::nullopt;
  const auto id = parse_message_id(key.substr(0, slash));
  if (!id) return std::nullopt;
  return deliver::Directives::Held{*id, std::string(key.substr(slash + 1))};
}

// Rows come in the order of their keys, which is that of the rules.
std::string rule_key(std::size_t number) {
  return fmt::format("{}{:06}", kRule, number);
}
std::string text_of(const deliver::Directives::Rule& rule) {
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}", rule.hold ? "hold" : "release",
                     rule.what.arrived_until.nanoseconds, rule.what.id ? to_string(rule.what.id) : "",
                     rule.what.domain, rule.what.sender, rule.what.recipient);
}
std::optional<deliver::Directives::Rule> parse_rule(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '\t')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (parts.size() != 6 || (parts[0] != "hold" && parts[0] != "release")) return std::nullopt;
  deliver::Directives::Rule rule{.hold = parts[0] == "hold", .what = {}};
  std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), rule.what.arrived_until.nanoseconds);
  if (!parts[2].empty()) {
    const auto id = parse_message_id(parts[2]);
    if (!id) return std::nullopt;
    rule.what.id = *id;
  }
  rule.what.domain = parts[3];
  rule.what.sender = parts[4];
  rule.what.recipient = parts[5];
  return rule.what.arrived_until == WallTime{} ? std::nullopt : std::optional(rule);
}

Suspension parse_suspension(std::string_view key, std::string_view value) {
  Suspension suspension{.destination = std::string(key.substr(kSuspend.size()))};
  std::from_chars(value.data(), value.data() + value.size(), suspension.until.nanoseconds);
  return suspension;
}

std::string until_text(WallTime until) {
  return until.nanoseconds == 0 ? "" : std::to_string(until.nanoseconds);
}

}  // namespace

Result<std::vector<deliver::Directives>> load_directives(tables::Tables& tables, unsigned cores) {
  return load_directives(tables, cores, wall_now());
}

Result<std::vector<deliver::Directives>> load_directives(tables::Tables& tables, unsigned cores,
                                                         WallTime now) {
  deliver::Directives all;
  for (const auto& [key, value] : RP_TRY(tables.rows(kTable))) {
    if (key.starts_with(kHold)) {
      if (auto held = parse_held(key)) all.held.push_back(std::move(*held));
    } else if (key.starts_with(kRule)) {
      if (auto rule = parse_rule(value)) all.rules.push_back(std::move(*rule));
    } else if (key.starts_with(kSuspend)) {
      Suspension suspension = parse_suspension(key, value);
      const bool over = suspension.until.nanoseconds != 0 && suspension.until <= now;
      if (!over) all.suspended.push_back(std::move(suspension.destination));
    }
  }
  return std::vector<deliver::Directives>(cores, all);
}

Result<void> store_directives(tables::Tables& tables, const deliver::Directives& all) {
  std::map<std::string, std::string> before;
  for (auto& [key, value] : RP_TRY(tables.rows(kTable))) before.emplace(std::move(key), std::move(value));
  std::vector<tables::Tables::Change> changes;
  const auto keep = [&](std::string key) {
    if (before.erase(key) == 0) changes.push_back({std::string(kTable), std::move(key), ""});
  };
  for (const auto& held : all.held) keep(key_of(held));
  for (const std::string& destination : all.suspended) keep(key_of(destination));
  for (std::size_t i = 0; i < all.rules.size(); ++i) {
    const std::string key = rule_key(i);
    std::string text = text_of(all.rules[i]);
    const auto found = before.find(key);
    if (found == before.end() || found->second != text)
      changes.push_back({std::string(kTable), key, std::move(text)});
    before.erase(key);
  }
  for (const auto& [key, value] : before) changes.push_back({std::string(kTable), key, std::nullopt});
  if (changes.empty()) return {};
  return tables.apply(changes);
}

Result<std::vector<Suspension>> load_suspensions(tables::Tables& tables) {
  std::vector<Suspension> suspensions;
  for (const auto& [key, value] : RP_TRY(tables.rows(kTable)))
    if (key.starts_with(kSuspend)) suspensions.push_back(parse_suspension(key, value));
  return suspensions;
}

Result<void> store_suspension(tables::Tables& tables, const Suspension& suspension) {
  return tables.put(kTable, key_of(suspension.destination), until_text(suspension.until));
}

}  // namespace ringpost::admin
