#include "ringpost/resolve/scripted_upstream.hpp"

#include <optional>

#include "ringpost/base/assert.hpp"

namespace ringpost::resolve {

struct ScriptedUpstream::Script {
  std::optional<dns::Status> failure;
  bool silent = false;
  std::vector<std::byte> octets;
};

// A request that waits for its time, or, when silent, for the end.
struct ScriptedUpstream::Pending : shard::Timer {
  Pending(ScriptedUpstream& owner, Request& waiting)
      : Timer(&Pending::due), upstream(owner), request(waiting) {}
  static void due(Timer& self) {
    auto& pending = static_cast<Pending&>(self);
    ScriptedUpstream& upstream = pending.upstream;
    Request& request = pending.request;
    upstream.pending_.erase(&request);
    upstream.answer(request);
  }
  ScriptedUpstream& upstream;
  Request& request;
};

ScriptedUpstream::ScriptedUpstream(shard::Core& core) : core_(core) {}
ScriptedUpstream::~ScriptedUpstream() {
  RP_ASSERT(pending_.empty());
}

void ScriptedUpstream::add(std::string_view line) {
  RP_ASSERT(zone_.add(line).has_value());
}

void ScriptedUpstream::fail(const dns::Question& question, dns::Status status) {
  scripts_[question] = std::make_unique<Script>(Script{.failure = status});
}
void ScriptedUpstream::stay_silent(const dns::Question& question) {
  scripts_[question] = std::make_unique<Script>(Script{.silent = true});
}
void ScriptedUpstream::answer_with(const dns::Question& question, std::vector<std::byte> octets) {
  scripts_[question] = std::make_unique<Script>(Script{.octets = std::move(octets)});
}
void ScriptedUpstream::obey_zone(const dns::Question& question) {
  scripts_.erase(question);
}

std::size_t ScriptedUpstream::asked(const dns::Question& question) const {
  const auto found = asked_.find(question);
  return found == asked_.end() ? 0 : found->second;
}

void ScriptedUpstream::send(Request& request) {
  RP_ASSERT(!stopped_);
  ++asked_total_;
  ++asked_[request.question];
  const auto script = scripts_.find(request.question);
  const bool silent = script != scripts_.end() && script->second->silent;
  if (!silent && delay_ == Duration{0}) return answer(request);
  auto pending = std::make_unique<Pending>(*this, request);
  if (!silent) core_.timers().arm(*pending, core_.now() + delay_);
  pending_.emplace(&request, std::move(pending));
}

void ScriptedUpstream::answer(Request& request) {
  const auto script = scripts_.find(request.question);
  if (script == scripts_.end()) {
    const dns::Message message = zone_.respond({.question = request.question});
    const std::vector<std::byte> octets = message.encode(dns::kMessageBytesMax);
    request.done(request, std::span(octets));
  } else if (script->second->failure) {
    request.done(request, std::unexpected(*script->second->failure));
  } else {
    request.done(request, std::span<const std::byte>(script->second->octets));
  }
}

void ScriptedUpstream::abort() {
  stopped_ = true;
  while (!pending_.empty()) {
    Request& request = *pending_.begin()->first;
    pending_.erase(pending_.begin());
    request.done(request, std::unexpected(dns::Status::servfail));
  }
}

Task<void> ScriptedUpstream::stop() {
  abort();
  co_return;
}

}  // namespace ringpost::resolve
