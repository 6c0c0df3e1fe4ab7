#include "repeats.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

namespace ringpost::receive {

namespace {

// Equal for recipients that are the same.
std::string key_of(const mail::Recipient& recipient, const policy::Policy& policy) {
  const auto [local_part, domain] = mail::split_address(recipient.address);
  const std::string plain = mail::unquote_local_part(local_part);
  const auto split = mail::split_extension(plain, policy.settings().domains.recipient_delimiter);
  std::string user = split.delimiter == 0 ? plain : std::string(split.user);
  for (char& c : user)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  // Blanks stand in local parts alone.
  return fmt::format("{} {} {} {}", recipient.notify.bits, recipient.original_recipient, domain, user) +
         std::string(split.delimiter != 0, split.delimiter) + std::string(split.extension);
}

// Equal for recipients with equal keys. FNV-1a.
std::uint64_t hash_of(std::string_view address) {
  const auto [local_part, domain] = mail::split_address(address);
  const std::string unquoted =
      local_part.starts_with('"') ? mail::unquote_local_part(local_part) : std::string();
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const std::string_view part : {unquoted.empty() ? local_part : std::string_view(unquoted), domain})
    for (const char c : part) {
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      hash = (hash ^ static_cast<unsigned char>(lower)) * 0x100000001B3;
    }
  return hash;
}

// Almost nobody repeats one, so that is found out without a string for each.
bool may_repeat(const mail::Envelope& envelope) {
  std::vector<std::uint64_t> hashes(envelope.recipient_count());
  for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = hash_of(envelope.recipient(i).address);
  std::ranges::sort(hashes);
  return std::ranges::adjacent_find(hashes) != hashes.end();
}

bool is_local(const mail::Recipient& recipient, const policy::Policy& policy) {
  const std::string_view domain = mail::split_address(recipient.address).domain;
  return domain.empty() || policy.is_local_domain(domain);
}

}  // namespace

std::vector<mail::Reply> WithoutRepeats::for_each_given(std::span<const mail::Reply> replies) const {
  std::vector<mail::Reply> all;
  all.reserve(places.size());
  for (const std::uint32_t place : places) all.push_back(replies[place]);
  return all;
}

std::optional<WithoutRepeats> without_repeats(const mail::Envelope& envelope, const policy::Policy& policy) {
  const std::size_t count = envelope.recipient_count();
  if (count < 2 || !may_repeat(envelope)) return std::nullopt;
  std::unordered_map<std::string, std::uint32_t> seen;
  std::vector<std::uint32_t> firsts;  // as they were given
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < count; ++i) {
    const mail::Recipient recipient = envelope.recipient(i);
    auto place = static_cast<std::uint32_t>(firsts.size());
    if (is_local(recipient, policy)) place = seen.try_emplace(key_of(recipient, policy), place).first->second;
    if (place == firsts.size()) firsts.push_back(i);
    places.push_back(place);
  }
  if (firsts.size() == count) return std::nullopt;
  WithoutRepeats without{.envelope = envelope, .places = std::move(places)};
  without.envelope.truncate_recipients(0);
  for (const std::uint32_t first : firsts) without.envelope.add_recipient(envelope.recipient(first));
  return without;
}

}  // namespace ringpost::receive
