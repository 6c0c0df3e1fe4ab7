// Senders with an address that anybody gets for nothing, and those whose other addresses are of that kind too.
#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "ringpost/filter/uris.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"
#include "mail_addresses.hpp"

namespace ringpost::filter {

namespace {

constexpr std::size_t kLinkedAddressesMax = 20;
constexpr std::size_t kBodyAddressesMax = 40;

struct FreemailSettings {
  std::unordered_set<std::string> domains;
  // '*' stops at a dot. Nearly all are of one provider in many countries: by their first label, or "" where that has a star.
  std::unordered_map<std::string, std::vector<std::string>> globs;
  std::unordered_set<std::string> welcome;
  double body_addresses_max = 5;
  double body_freemails_max = 3;
  bool skip_over_max = true;
  bool skip_bulk_sender = true;
};

bool is_glob(std::string_view word) {
  return contains(word, "*") || contains(word, "?");
}

std::shared_ptr<const FreemailSettings> freemail_settings(const EvalSetup& setup) {
  return setup.shared.of<FreemailSettings>("freemail", [&] {
    FreemailSettings made;
    for (const std::string_view word : setup.settings.words("freemail_domains")) {
      const bool glob = is_glob(word);
      const std::string_view label = word.substr(0, word.find('.'));
      if (glob)
        made.globs[is_glob(label) ? "" : lower(label)].push_back(lower(word));
      else
        made.domains.insert(lower(word));
    }
    for (const std::string_view word : setup.settings.words("freemail_welcomelist"))
      made.welcome.insert(lower(word));
    made.body_addresses_max = setup.settings.number("freemail_max_body_emails", 5);
    made.body_freemails_max = setup.settings.number("freemail_max_body_freemails", 3);
    made.skip_over_max = setup.settings.flag("freemail_skip_when_over_max", true);
    made.skip_bulk_sender = setup.settings.flag("freemail_skip_bulk_envfrom", true);
    return made;
  });
}

// As glob_matches, but a star takes no dot.
bool domain_matches(std::string_view glob, std::string_view domain) {
  for (;;) {
    const std::string_view left = glob.substr(0, glob.find('.'));
    const std::string_view right = domain.substr(0, domain.find('.'));
    if (!glob_matches(left, right)) return false;
    const bool last = left.size() == glob.size();
    if (last || right.size() == domain.size()) return last && right.size() == domain.size();
    glob.remove_prefix(left.size() + 1);
    domain.remove_prefix(right.size() + 1);
  }
}

bool is_listed(const FreemailSettings& settings, const std::string& domain) {
  if (settings.domains.contains(domain)) return true;
  for (const std::string& label : {domain.substr(0, domain.find('.')), std::string()}) {
    const auto globs = settings.globs.find(label);
    if (globs != settings.globs.end() && std::ranges::any_of(globs->second, [&](const std::string& glob) {
          return domain_matches(glob, domain);
        }))
      return true;
  }
  return false;
}

// `address` is in lower case.
bool judge_freemail(const EvalCall& call, const FreemailSettings& settings, const std::string& address) {
  static const Re role(
      "/^(?:abuse|support|sales|info|helpdesk|contact|kontakt|(?:post|host|domain)master|undisclosed.*|"
      "request-[a-f0-9]{16}|bounced?-|"
      "[a-f0-9]{8}(?:\\.[a-f0-9]{8}|-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})|.+=.+=.+)\\@/i");
  if (address.empty() || settings.welcome.contains(address)) return false;
  const std::size_t sign = address.rfind('@');
  const std::string domain = sign == std::string::npos ? address : address.substr(sign + 1);
  if (settings.welcome.contains(domain)) return false;
  return is_listed(settings, domain) && !role.in(address, call);
}

// A dozen rules ask about the same few addresses.
struct KnownFreemails {
  std::vector<std::pair<std::string, bool>> answers;
};
bool is_freemail(const EvalCall& call, const FreemailSettings& settings, const std::string& address) {
  auto& answers = call.scratch.of<KnownFreemails>().answers;
  const auto known = std::ranges::find(answers, address, &std::pair<std::string, bool>::first);
  if (known != answers.end()) return known->second;
  const bool answer = judge_freemail(call, settings, address);
  if (answers.size() < kBodyAddressesMax) answers.emplace_back(address, answer);
  return answer;
}

std::vector<std::string> in_lower_case(std::vector<std::string> list) {
  for (std::string& one : list) one = lower(one);
  return list;
}

struct BodyFreemails {
  bool made = false;
  bool too_many = false;
  std::set<std::string> found;
};

// The addresses of the body's links and text, in order.
std::vector<std::string> body_addresses(const EvalCall& call) {
  const RegistrarBoundaries& registrars = call.message.settings().registrars;
  std::vector<std::string> addresses;
  const auto add = [&](std::string address) {
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(std::move(address));
  };
  for (const UriDetail& uri : call.message.uri_details()) {
    if (addresses.size() >= kLinkedAddressesMax) break;
    if (!uri.has_type("a") || uri.has_type("parsed") || !starts_nocase(uri.uri, "mailto:")) continue;
    const MailAddressPlace place = find_mail_address(uri.uri, 7, registrars);
    if (place.size > 0 && place.begin == 7)
      add(lower(std::string_view(uri.uri).substr(place.begin, place.size)));
  }
  for (const std::string& line : call.message.body()) {
    const std::string text = without_quoted_addresses(line, registrars);
    for (MailAddressPlace place = find_mail_address(text, 0, registrars); place.size > 0;
         place = find_mail_address(text, place.begin + place.size, registrars)) {
      add(lower(std::string_view(text).substr(place.begin, place.size)));
      if (addresses.size() >= kBodyAddressesMax) return addresses;
    }
  }
  return addresses;
}

const BodyFreemails& body_freemails(const EvalCall& call, const FreemailSettings& settings) {
  auto& body = call.scratch.of<BodyFreemails>();
  if (body.made) return body;
  body.made = true;
  double all = 0;
  double free = 0;
  for (const std::string& address : body_addresses(call)) {
    body.too_many |= ++all == settings.body_addresses_max && settings.skip_over_max;
    if (body.too_many) return body;
    if (!is_freemail(call, settings, address)) continue;
    body.too_many |= ++free == settings.body_freemails_max && settings.skip_over_max;
    if (body.too_many) return body;
    body.found.insert(address);
  }
  return body;
}

using Expression = std::shared_ptr<const patterns::Expression>;

Result<Expression> optional_expression(const EvalSetup& setup, std::size_t index) {
  if (setup.arguments.size() <= index) return Expression{};
  auto compiled = patterns::Expression::compile({setup.arguments[index], {}});
  if (!compiled) return std::unexpected(compiled.error());
  return std::make_shared<const patterns::Expression>(*std::move(compiled));
}

bool any_freemail(const EvalCall& call, const FreemailSettings& settings, const Expression& expression,
                  const std::vector<std::string>& addresses) {
  return std::ranges::any_of(addresses, [&](const std::string& one) {
    return is_freemail(call, settings, one) &&
           (!expression || expression->search(one, call.message.scratch()) == patterns::Match::yes);
  });
}

Result<EvalFunction> check_freemail_from(const EvalSetup& setup) {
  const Expression expression = RP_TRY(optional_expression(setup, 0));
  return [settings = freemail_settings(setup), expression](const EvalCall& call) {
    return EvalAnswer::of(any_freemail(call, *settings, expression, in_lower_case(from_addresses(call))));
  };
}

Result<EvalFunction> check_freemail_header(const EvalSetup& setup) {
  if (setup.arguments.empty()) return fail(ErrorKind::permanent, "takes the name of a field");
  const Expression expression = RP_TRY(optional_expression(setup, 1));
  return [settings = freemail_settings(setup), expression,
          request = setup.arguments[0] + ":addr"](const EvalCall& call) {
    return EvalAnswer::of(
        any_freemail(call, *settings, expression, in_lower_case(call.message.header_values(request))));
  };
}

Result<EvalFunction> check_freemail_body(const EvalSetup& setup) {
  const Expression expression = RP_TRY(optional_expression(setup, 0));
  return [settings = freemail_settings(setup), expression](const EvalCall& call) {
    const BodyFreemails& body = body_freemails(call, *settings);
    return EvalAnswer::of(!body.too_many &&
                          any_freemail(call, *settings, expression, {body.found.begin(), body.found.end()}));
  };
}

bool is_bulk_sender(const EvalCall& call) {
  static const Re bulk(
      "/(?:^(?:post|host|domain)master|^double-bounce|^(?:sentto|owner|return|(?:gr)?bounced?)-.+|-(?:"
      "request|bounces?|admin|owner)|"
      "\\b(?:do[._-t]?)?no[._-t]?repl(?:y|ies)|.+=.+)\\@/i");
  const auto from = call.message.envelope_from();
  return from && bulk.in(*from, call);
}

bool has_free_reply(const EvalCall& call, const FreemailSettings& settings, bool from_may_answer) {
  if (settings.skip_bulk_sender && is_bulk_sender(call)) return false;
  const std::vector<std::string> from = in_lower_case(call.message.header_values("From:addr"));
  const std::vector<std::string> reply = in_lower_case(call.message.header_values("Reply-To:addr"));
  const bool free_from = any_freemail(call, settings, nullptr, from);
  const bool free_reply = any_freemail(call, settings, nullptr, reply);
  const bool differ = std::ranges::none_of(
      from, [&](const std::string& one) { return std::ranges::find(reply, one) != reply.end(); });
  if (free_from && free_reply && differ) return true;
  if (!from_may_answer && !free_reply) return false;
  if (from_may_answer && ((!reply.empty() && !free_reply) || !free_from)) return false;
  const BodyFreemails& body = body_freemails(call, settings);
  if (body.too_many) return false;
  const std::vector<std::string>& answers = free_reply || !from_may_answer ? reply : from;
  return std::ranges::any_of(body.found, [&](const std::string& one) {
    return std::ranges::any_of(answers, [&](const std::string& answer) { return answer != one; });
  });
}

Result<EvalFunction> check_freemail_replyto(const EvalSetup& setup) {
  const std::string what = setup.arguments.empty() ? "replyto" : setup.arguments[0];
  if (what != "replyto" && what != "reply") return fail(ErrorKind::permanent, "takes 'replyto' or 'reply'");
  return [settings = freemail_settings(setup), from_may_answer = what == "reply"](const EvalCall& call) {
    return EvalAnswer::of(has_free_reply(call, *settings, from_may_answer));
  };
}

}  // namespace

void add_freemail_evals(EvalRegistry& registry) {
  registry.add("check_freemail_from", check_freemail_from);
  registry.add("check_freemail_header", check_freemail_header);
  registry.add("check_freemail_body", check_freemail_body);
  registry.add("check_freemail_replyto", check_freemail_replyto);
}

}  // namespace ringpost::filter
