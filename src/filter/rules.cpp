#include "ringpost/filter/rules.hpp"

#include <fmt/format.h>

namespace ringpost::filter {

std::string_view to_string(RuleKind kind) {
  switch (kind) {
    case RuleKind::header:
      return "header";
    case RuleKind::exists:
      return "exists";
    case RuleKind::body:
      return "body";
    case RuleKind::rawbody:
      return "rawbody";
    case RuleKind::full:
      return "full";
    case RuleKind::uri:
      return "uri";
    case RuleKind::mimeheader:
      return "mimeheader";
    case RuleKind::meta:
      return "meta";
    case RuleKind::eval:
      return "eval";
    case RuleKind::declared:
      return "declared";
  }
  return {};
}

std::string_view to_string(ScoreSet set) {
  constexpr auto kNames = std::to_array<std::string_view>({"plain", "net", "bayes", "bayes-net"});
  return kNames.at(static_cast<std::size_t>(set));
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::unsupported:
      return "unsupported";
    case Severity::note:
      return "note";
  }
  return {};
}

std::string_view to_string(RuleArea area) {
  switch (area) {
    case RuleArea::header:
      return "header";
    case RuleArea::body:
      return "body";
    case RuleArea::rawbody:
      return "rawbody";
    case RuleArea::full:
      return "full";
    case RuleArea::uri:
      return "uri";
    case RuleArea::dns:
      return "dns";
    case RuleArea::meta:
      return "meta";
    case RuleArea::none:
      return "none";
  }
  return {};
}

std::uint32_t RuleSet::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? kNoRule : found->second;
}

std::string RuleSet::place_text(Place place) const {
  if (place.line == 0) return "rules";
  const std::string_view path = files_[place.file];
  return fmt::format("{}:{}", path, place.line);
}

unsigned RuleSet::report_safe() const {
  return static_cast<unsigned>(settings_.number("report_safe", 1));
}

std::string RuleSet::report_template() const {
  std::string text;
  for (const Settings::Line& line : settings_.lines("report")) {
    if (line.key != "report") {
      text.clear();
      continue;
    }
    std::string_view value = line.value;
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
      value = value.substr(1, value.size() - 2);
    text += value;
    text += '\n';
  }
  return text;
}

}  // namespace ringpost::filter
