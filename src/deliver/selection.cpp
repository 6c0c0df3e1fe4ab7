#include "selection.hpp"

#include <algorithm>

#include "ringpost/mail/address.hpp"

namespace ringpost::deliver {

bool fits(const Selector& selector, const Queue& queue, const Job& job) {
  const std::string& domain = job.destination->domain;
  if (!selector.domain.empty() && !domain.empty() && domain != selector.domain) return false;
  if (selector.state && queue.state_of(job) != *selector.state) return false;
  if (selector.arrived_until != WallTime{} && job.message.arrival > selector.arrived_until) return false;
  return !selector.older_than || queue.wall_now() - job.message.arrival >= *selector.older_than;
}

bool fits(const Selector& selector, const Queue& queue, const Parked& parked) {
  if (selector.older_than && queue.wall_now() - parked.arrived() < *selector.older_than) return false;
  // In whole seconds; its jobs will tell.
  if (selector.arrived_until != WallTime{} && parked.arrived() > selector.arrived_until) return false;
  bool one_fits = false;
  queue.parking().for_each_part(
      parked, [&](const ParkedPart& part) { one_fits = one_fits || fits(selector, queue, part); });
  return one_fits;
}

bool fits(const Selector& selector, const Queue& queue, const ParkedPart& part) {
  // A destination that is one domain has no other recipients.
  const std::string& domain = queue.parking().line_of(part).domain;
  if (!selector.domain.empty() && !domain.empty() && domain != selector.domain) return false;
  return !selector.state || queue.state_of(part) == *selector.state;
}

Fit fits_unread(const Selector& selector, const Queue& queue, const Parked& parked, const ParkedPart& part) {
  if ((selector.id && selector.id.value != parked.id) || !fits(selector, queue, part)) return Fit::no;
  if (selector.older_than && queue.wall_now() - parked.arrived() < *selector.older_than) return Fit::no;
  if (selector.arrived_until != WallTime{}) {
    if (parked.arrived() > selector.arrived_until) return Fit::no;
    if (parked.arrived() + std::chrono::seconds{1} > selector.arrived_until) return Fit::unsure;
  }
  const bool domain_known = selector.domain.empty() || !queue.parking().line_of(part).domain.empty();
  return domain_known && selector.sender.empty() && selector.recipient.empty() ? Fit::yes : Fit::unsure;
}

bool fits(const Selector& selector, const mail::EnvelopeRecord& envelope, std::uint32_t recipient) {
  if (!selector.sender.empty()) {
    const std::string_view wanted =
        selector.sender == "<>" ? std::string_view{} : std::string_view(selector.sender);
    if (envelope.reverse_path() != wanted) return false;
  }
  const std::string_view address = envelope.recipient(recipient).address;
  if (!selector.recipient.empty() && address != selector.recipient) return false;
  return selector.domain.empty() || mail::split_address(address).domain == selector.domain;
}

std::vector<std::uint32_t> fitting(const Selector& selector, const mail::EnvelopeRecord& envelope,
                                   const Job& job) {
  std::vector<std::uint32_t> chosen;
  for (const std::uint32_t recipient : job.recipients.view())
    if (fits(selector, envelope, recipient)) chosen.push_back(recipient);
  return chosen;
}

std::size_t count_fitting(const Selector& selector, Queue& queue, MessageId id,
                          const mail::EnvelopeRecord& envelope) {
  Message* message = queue.find(id);
  if (message == nullptr) return 0;
  std::size_t count = 0;
  message->jobs.for_each([&](Job& job) {
    if (fits(selector, queue, job)) count += fitting(selector, envelope, job).size();
  });
  return count;
}

}  // namespace ringpost::deliver
