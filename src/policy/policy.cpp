#include "ringpost/policy/policy.hpp"

#include <algorithm>

namespace ringpost::policy {

namespace {

Verdict refuse(int code, mail::EnhancedStatus status, std::string text) {
  return {false, Destination::local, mail::Reply{code, status, std::move(text)}};
}
constexpr mail::EnhancedStatus kRelayDenied{5, 7, 1};
constexpr mail::EnhancedStatus kNoSuchUser{5, 1, 1};

std::string canonical_domain(const std::string& domain) {
  std::string canonical;
  const bool subdomains = domain.starts_with('.');
  if (!mail::append_canonical_domain(
          subdomains ? std::string_view(domain).substr(1) : std::string_view(domain), canonical))
    return domain;
  return subdomains ? "." + canonical : canonical;
}

}  // namespace

Policy::Policy(Settings settings) : settings_(std::move(settings)) {
  local_domains_.insert(canonical_domain(settings_.hostname));
  for (const std::string& domain : settings_.domains.local) local_domains_.insert(canonical_domain(domain));
  for (const std::string& domain : settings_.policy.relay_domains)
    relay_domains_.push_back(canonical_domain(domain));
}

bool Policy::trusted(const IpAddress& address) const {
  return std::ranges::any_of(settings_.policy.relay_networks,
                             [&](const Network& network) { return network.contains(address); });
}

bool Policy::may_relay(const Client& client) const {
  if (client.lmtp) return false;
  return client.local || client.authenticated || trusted(client.address);
}

bool Policy::is_local_domain(std::string_view domain) const {
  return local_domains_.contains(std::string(domain));
}

bool Policy::is_relay_domain(std::string_view domain) const {
  return std::ranges::any_of(relay_domains_, [&](const std::string& rule) {
    return rule.starts_with('.') ? domain.size() > rule.size() && domain.ends_with(rule) : domain == rule;
  });
}

std::string Policy::qualify(std::string_view address) const {
  if (address.empty() || !mail::split_address(address).domain.empty()) return std::string(address);
  return std::string(address) + "@" + *local_domains_.find(canonical_domain(settings_.hostname));
}

Verdict Policy::recipient(const Client& client, std::string_view address) const {
  const auto [local_part, domain] = mail::split_address(address);
  const std::string plain = mail::unquote_local_part(local_part);
  const bool local = domain.empty() || is_local_domain(domain);
  const bool relays = may_relay(client);
  if (!relays && mail::looks_like_relay_route(plain)) return refuse(554, kRelayDenied, "Relay access denied");
  if (local) {
    if (local_recipient_exists(plain, domain)) return {true, Destination::local, {}};
    return refuse(550, kNoSuchUser, "Recipient address rejected: user unknown");
  }
  if (relays || (!client.lmtp && is_relay_domain(domain))) return {true, Destination::relay, {}};
  return refuse(554, kRelayDenied, "Relay access denied");
}

Verdict Policy::sender(std::string_view login, std::string_view address) const {
  const auto [local_part, domain] = mail::split_address(address);
  if (address.empty() || owns(login, mail::unquote_local_part(local_part), domain))
    return {true, Destination::relay, {}};
  return refuse(
      553, kRelayDenied,
      "Sender address rejected: " + std::string(address) + " is not owned by user " + std::string(login));
}

// A login without a domain is a name at our own domains, not everywhere.
bool Policy::owns(std::string_view login, std::string_view local_part, std::string_view domain) const {
  if (settings_.recipients == nullptr) return false;
  if (login.find('@') == std::string_view::npos && !domain.empty() && !is_local_domain(domain)) return false;
  if (settings_.recipients->owned(login, local_part, domain)) return true;
  const auto extension = mail::split_extension(local_part, settings_.domains.recipient_delimiter);
  return extension.delimiter != 0 && settings_.recipients->owned(login, extension.user, domain);
}

bool Policy::local_recipient_exists(std::string_view local_part, std::string_view domain) const {
  if (mail::equal_ignoring_case(local_part, "postmaster")) return true;  // RFC 5321 section 4.5.1
  if (settings_.recipients == nullptr) return false;
  if (settings_.recipients->exists(local_part, domain)) return true;
  const auto extension = mail::split_extension(local_part, settings_.domains.recipient_delimiter);
  if (extension.delimiter == 0) return false;
  return mail::equal_ignoring_case(extension.user, "postmaster") ||
         settings_.recipients->exists(extension.user, domain);
}

}  // namespace ringpost::policy
