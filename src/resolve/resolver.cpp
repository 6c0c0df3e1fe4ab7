#include "ringpost/resolve/resolver.hpp"

#include "ringpost/resolve/ares_upstream.hpp"
#include "ringpost/resolve/limits.hpp"

#include "cache.hpp"
#include "state.hpp"

namespace ringpost::resolve {
namespace {

// A hosts file that is not there is as good as an empty one.
std::string read_hosts_file(io::Files& files, const std::string& path) {
  if (path.empty()) return {};
  const auto file = files.open(path, {});
  if (!file) return {};
  std::string text(kHostsFileBytesMax, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = files.read_at(file->handle, std::as_writable_bytes(std::span(text)).subspan(size), size);
    if (!got || *got == 0) break;
    size += *got;
  }
  files.close(file->handle);
  text.resize(size);
  return text;
}

}  // namespace

Resolver::Resolver(shard::Core& core, std::unique_ptr<Upstream> upstream, Bytes cache_size, Hosts hosts,
                   Identity identity)
    : core_(core),
      state_(std::make_unique<State>(core, std::move(upstream), cache_size, std::move(hosts),
                                     std::move(identity))) {}

Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::make(shard::Core& core, const ResolverOptions& options,
                                                 Identity identity) {
  auto upstream = RP_TRY(make_ares_upstream(core, options));
  auto hosts = Hosts::parse(read_hosts_file(core.backend().files(), options.hosts_file.text));
  return std::make_unique<Resolver>(core, std::move(upstream), options.cache_size, std::move(hosts),
                                    std::move(identity));
}

Task<dns::Answer> Resolver::ask(dns::Question question, Instant deadline) {
  if (auto local = state_->local_answer(question)) co_return std::move(*local);
  const std::shared_ptr<Cache::Entry> entry = state_->cache.want(question);
  if (entry == nullptr) co_return dns::Answer::failure(dns::Status::servfail);
  if (entry->in_flight) {
    const bool answered = co_await entry->answered.wait(deadline);
    if (!answered) {
      state_->cache.count_timeout();
      co_return dns::Answer::failure(dns::Status::timeout);
    }
  }
  co_return entry->read(core_.now());
}

void Resolver::abort() {
  state_->cache.abort();
}

Task<void> Resolver::stop() {
  co_await state_->cache.stop();
}

}  // namespace ringpost::resolve
