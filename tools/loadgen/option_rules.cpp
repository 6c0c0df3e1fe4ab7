#include "option_rules.hpp"

#include <algorithm>

namespace ringpost::loadgen {

namespace {

using Kind = OptionRule::Kind;

constexpr auto kLoad = std::to_array<OptionRule>({
    {"--rate", Kind::excludes, {"--ramp"}},
    {"--ramp", Kind::needs, {"--duration"}},
    {"--search-p99", Kind::excludes, {"--ramp"}},
    {"--spacing", Kind::needs, {"--rate", "--ramp", "--search-p99"}},
    {"--tls-resume", Kind::needs, {"--tls"}},
    {"--retry-after", Kind::needs, {"--retry"}},
    {"--size", Kind::excludes, {"--corpus"}},
    {"--recipient", Kind::excludes, {"--recipients", "--mailboxes", "--recipient-domain", "--domains"}},
});

constexpr auto kTune = std::to_array<OptionRule>({
    {"--less-is-better", Kind::needs, {"--measure"}},
    {"--measure", Kind::excludes, {"--to", "--server", "--goal"}},
    {"--rate", Kind::excludes, {"--ramp"}},
    {"--ramp", Kind::needs, {"--duration"}},
    {"--spacing", Kind::needs, {"--rate", "--ramp"}},
    {"--tls-resume", Kind::needs, {"--tls"}},
    {"--retry-after", Kind::needs, {"--retry"}},
    {"--size", Kind::excludes, {"--corpus"}},
    {"--recipient", Kind::excludes, {"--recipients", "--mailboxes", "--recipient-domain", "--domains"}},
});

constexpr auto kSink = std::to_array<OptionRule>({
    {"--tls-required", Kind::needs, {"--tls"}},
    {"--reject-at", Kind::needs, {"--reject-4xx", "--reject-5xx"}},
    {"--delay-at", Kind::needs, {"--delay"}},
    {"--drop-at", Kind::needs, {"--drop"}},
    {"--max-connections-reply", Kind::needs, {"--max-connections"}},
    {"--message-rate-reply", Kind::needs, {"--message-rate"}},
    {"--greylist-reply", Kind::needs, {"--greylist"}},
    {"--storm-reply", Kind::needs, {"--storm"}},
    {"--reject-4xx-reply", Kind::needs, {"--reject-4xx"}},
    {"--reject-5xx-reply", Kind::needs, {"--reject-5xx"}},
    {"--dns", Kind::needs, {"--domains", "--zone", "--personas"}},
    {"--zone", Kind::needs, {"--dns"}},
    {"--dns-address", Kind::needs, {"--domains"}},
    {"--dns-ttl", Kind::needs, {"--dns"}},
});

bool given(const CLI::App& app, std::string_view name) {
  const CLI::Option* option = name.empty() ? nullptr : app.get_option_no_throw(std::string(name));
  return option != nullptr && option->count() > 0;
}

std::string any_of(const OptionRule& rule) {
  std::string text;
  for (const std::string_view other : rule.others)
    if (!other.empty()) text.append(text.empty() ? "" : " or ").append(other);
  return text;
}

std::string broken(const CLI::App& app, const OptionRule& rule) {
  if (!given(app, rule.option)) return {};
  const auto other =
      std::ranges::find_if(rule.others, [&](std::string_view name) { return given(app, name); });
  const bool found = other != rule.others.end();
  const std::string name(rule.option);
  if (rule.kind == Kind::needs) return found ? "" : name + " needs " + any_of(rule);
  return found ? name + " and " + std::string(*other) + " exclude each other" : "";
}

}  // namespace

const std::span<const OptionRule> kLoadRules = kLoad;
const std::span<const OptionRule> kTuneRules = kTune;
const std::span<const OptionRule> kSinkRules = kSink;

std::string broken_rule(const CLI::App& app, std::span<const OptionRule> rules) {
  for (const OptionRule& rule : rules)
    if (std::string wrong = broken(app, rule); !wrong.empty()) return wrong;
  return {};
}

void hold_rules(CLI::App& app, std::span<const OptionRule> rules) {
  app.final_callback([&app, rules] {
    if (const std::string wrong = broken_rule(app, rules); !wrong.empty()) throw CLI::ValidationError(wrong);
  });
}

}  // namespace ringpost::loadgen
