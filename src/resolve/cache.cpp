#include "cache.hpp"

#include <algorithm>

#include "ringpost/dns/message.hpp"
#include "ringpost/resolve/limits.hpp"

namespace ringpost::resolve {
namespace {

// An estimate, names and text included, that never comes out at nothing.
std::size_t cost_of(const Cache::Entry& entry) {
  constexpr std::size_t kNodeBytes = 64;  // its place in the hash table, and the heap's own
  std::size_t cost = sizeof(Cache::Entry) + kNodeBytes + 2 * entry.question.name.wire().size();
  for (const dns::Data& data : entry.answer.records) {
    cost += sizeof(dns::Data);
    if (const auto* txt = std::get_if<dns::Txt>(&data)) cost += txt->text.size();
    if (const auto* mx = std::get_if<dns::Mx>(&data)) cost += mx->exchange.wire().size();
    if (const auto* target = std::get_if<dns::Target>(&data)) cost += target->name.wire().size();
    if (const auto* tlsa = std::get_if<dns::Tlsa>(&data)) cost += tlsa->certificate.size();
  }
  return cost;
}

}  // namespace

Duration kept_for(const dns::Answer& answer) {
  if (answer.temporary()) return kFailureTtl;
  return std::clamp(answer.ttl, kTtlMin, answer.ok() ? kTtlMax : kNegativeTtlMax);
}

Cache::Entry::Entry(Cache& owner, dns::Question asked)
    : Request(std::move(asked), &Cache::finished),
      cache(owner),
      answered(owner.core_),
      asked_at(owner.core_.now()) {}

dns::Answer Cache::Entry::read(Instant now) const {
  dns::Answer copy = answer;
  copy.ttl = std::max(expires - now, Duration{0});
  return copy;
}

Cache::Cache(shard::Core& core, std::unique_ptr<Upstream> upstream, Bytes size)
    : core_(core), upstream_(std::move(upstream)), size_max_(size.count) {
  register_figures();
}

Cache::~Cache() {
  RP_ASSERT(in_flight_ == 0);
}

std::shared_ptr<Cache::Entry> Cache::want(const dns::Question& question) {
  if (const auto found = entries_.find(question); found != entries_.end()) {
    Entry& entry = **found;
    if (entry.in_flight) {
      shared_.add();
      return *found;
    }
    if (core_.now() < entry.expires) {
      hits_.add();
      by_use_.push_back(entry);
      return *found;
    }
    drop(entry);
  }
  if (stopped_ || in_flight_ >= kInFlightMax) {
    refused_.add();
    return nullptr;
  }
  // Kept alive here, for the answer may come, and be too big to be kept, before send() returns.
  auto entry = std::make_shared<Entry>(*this, question);
  entries_.insert(entry);
  in_flight_figure_.set(static_cast<std::int64_t>(++in_flight_));
  sent_.add();
  upstream_->send(*entry);
  return entry;
}

void Cache::finished(Upstream::Request& request, const Upstream::Response& response) {
  auto& entry = static_cast<Entry&>(request);
  entry.cache.finish(entry, response);
}

void Cache::finish(Entry& entry, const Upstream::Response& response) {
  RP_ASSERT(entry.in_flight);
  const std::shared_ptr<Entry> alive = entry.shared_from_this();
  in_flight_figure_.set(static_cast<std::int64_t>(--in_flight_));
  latency_.record(
      static_cast<std::uint64_t>(std::max((core_.now() - entry.asked_at).count(), std::int64_t{0})));
  entry.in_flight = false;
  if (response) {
    auto answer = dns::parse_message(*response, entry.question);
    entry.answer = answer ? std::move(*answer) : dns::Answer::failure(dns::Status::servfail);
  } else {
    entry.answer = dns::Answer::failure(response.error());
  }
  count(entry.answer);
  keep(entry);
  entry.answered.notify_all();
}

void Cache::keep(Entry& entry) {
  entry.expires = core_.now() + kept_for(entry.answer);
  entry.cost = cost_of(entry);
  size_ += entry.cost;
  by_use_.push_back(entry);
  while (size_ > size_max_) {
    evicted_.add();
    drop(by_use_.front());
  }
  size_figure_.set(static_cast<std::int64_t>(size_));
}

// Who waits for it, or reads it now, holds it too.
void Cache::drop(Entry& entry) {
  size_ -= entry.cost;
  entry.ListLink<Cache>::unlink();
  entries_.erase(entries_.find(entry.question));
  size_figure_.set(static_cast<std::int64_t>(size_));
}

void Cache::abort() {
  stopped_ = true;
  upstream_->abort();
}

Task<void> Cache::stop() {
  stopped_ = true;
  co_await upstream_->stop();
}

void Cache::count(const dns::Answer& answer) {
  if (answer.ok())
    found_.add();
  else if (answer.temporary())
    failed_.add();
  else
    negative_.add();
}

void Cache::register_figures() {
  auto& figures = core_.figures();
  figures.add("resolve_cache_hits", "Questions answered from the cache.", hits_);
  figures.add("resolve_questions_shared", "Questions that joined an equal one under way.", shared_);
  figures.add("resolve_questions_sent", "Questions sent to a server.", sent_);
  figures.add("resolve_answers_found", "Responses with a record.", found_);
  figures.add("resolve_answers_negative", "Responses that say there is none.", negative_);
  figures.add("resolve_answers_failed", "Questions that failed: no, broken or refusing server.", failed_);
  figures.add("resolve_deadlines_passed", "Callers that stopped waiting for their answer.", timeouts_);
  figures.add("resolve_questions_refused", "Questions not sent: too many were under way.", refused_);
  figures.add("resolve_cache_evictions", "Answers that left the cache for want of room.", evicted_);
  figures.add("resolve_questions_in_flight", "Questions under way.", in_flight_figure_);
  figures.add("resolve_cache_bytes", "Estimated memory of the kept answers.", size_figure_);
  figures.add("resolve_latency_ns", "Time from sending a question to its answer.", latency_);
}

}  // namespace ringpost::resolve
