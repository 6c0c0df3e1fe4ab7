// URIs: redirectors and lists that were too long; hosts of bounces.
#include <algorithm>

#include "ringpost/filter/view_limits.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

// An URI that carries another of a different domain.
EvalAnswer check_for_http_redirector(const EvalCall& call, Arguments) {
  const RegistrarBoundaries& registrars = call.message.settings().registrars;
  const auto domain_of = [&](std::string_view uri) { return registrars.host_of_uri(uri).domain; };
  for (const std::string& uri : call.message.uris()) {
    if (!starts_nocase(uri, "http://") && !starts_nocase(uri, "https://")) continue;
    const std::size_t inner = std::min(find_nocase(uri, "http://", 9), find_nocase(uri, "https://", 9));
    if (inner == kNowhere) continue;
    if (domain_of(std::string_view(uri).substr(0, inner)) != domain_of(std::string_view(uri).substr(inner)))
      return EvalAnswer::of(true);
  }
  return EvalAnswer::of(false);
}

EvalAnswer check_uri_truncated(const EvalCall& call, Arguments) {
  (void)call.message.uris();
  return EvalAnswer::of(call.message.flags().uris_truncated);
}

// --- bounces of mail that was ours ---

Result<EvalFunction> have_any_bounce_relays(const EvalSetup& setup) {
  return [any = !glob_list(setup, "welcomelist_bounce_relays")->empty()](const EvalCall&) {
    return EvalAnswer::of(any);
  };
}

bool is_received_line(std::string_view line) {
  while (!line.empty() && (line.front() == '>' || line.front() == ' ')) line.remove_prefix(1);
  return starts_nocase(line, "received:");
}

// A host in the list stands alone in the text.
bool names_relay(std::string_view text, const GlobList& relays) {
  while (!text.empty()) {
    std::size_t size = 0;
    while (size < text.size() && !is_space(text[size])) ++size;
    const std::string_view word = text.substr(0, size);
    if (word.size() <= kHostSizeMax && contains(word, ".") && relays.matches(word)) return true;
    text = trim_front(text.substr(size));
  }
  return false;
}

// The Received fields, with what continues them, that a bounce quotes.
bool quotes_relay(std::string_view body, const GlobList& relays) {
  std::string field;
  while (!body.empty()) {
    const std::string_view line = trim_back(take_line(body));
    const bool continues = !line.empty() && is_blank(line.front()) && !field.empty();
    if (!continues && is_received_line(field) && names_relay(field, relays)) return true;
    if (continues)
      field += line;
    else
      field = is_received_line(line) ? std::string(line) : std::string{};
  }
  return is_received_line(field) && names_relay(field, relays);
}

Result<EvalFunction> check_welcomelist_bounce_relays(const EvalSetup& setup) {
  return [relays = glob_list(setup, "welcomelist_bounce_relays")](const EvalCall& call) {
    if (relays->empty()) return EvalAnswer::of(false);
    for (const std::string& line : call.message.body())
      if (is_received_line(line) && names_relay(line, *relays)) return EvalAnswer::of(true);
    return EvalAnswer::of(quotes_relay(call.message.body_block(), *relays));
  };
}

}  // namespace

void add_uri_evals(EvalRegistry& registry) {
  registry.add("check_for_http_redirector", {0, 0}, check_for_http_redirector);
  registry.add("check_uri_truncated", {0, 0}, check_uri_truncated);
  registry.add("have_any_bounce_relays", have_any_bounce_relays);
  registry.add("check_welcomelist_bounce_relays", check_welcomelist_bounce_relays);
  registry.add("check_whitelist_bounce_relays", check_welcomelist_bounce_relays);
}

}  // namespace ringpost::filter
