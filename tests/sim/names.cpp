#include "names.hpp"

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

namespace ringpost::simulator {

// Questions wait here for their answer.
class NamesUpstream final : public resolve::Upstream {
 public:
  NamesUpstream(Names& names, shard::Core& core) : names_(names), core_(core) {}
  ~NamesUpstream() override { RP_ASSERT(waiting_.empty()); }

  void send(Request& request) override {
    waiting_.push_back(std::make_unique<Waiting>(*this, request, names_.answer(request.question)));
    core_.timers().arm(*waiting_.back(), core_.now() + waiting_.back()->answer.delay);
  }

  void abort() override {
    while (!waiting_.empty()) {
      const auto first = std::move(waiting_.front());
      waiting_.pop_front();
      core_.timers().disarm(*first);
      first->request.done(first->request, std::unexpected(dns::Status::servfail));
    }
  }
  Task<void> stop() override {
    abort();
    co_return;
  }

 private:
  struct Waiting : shard::Timer {
    Waiting(NamesUpstream& owner, Request& asked, Names::Answer said)
        : Timer(&Waiting::due), upstream(owner), request(asked), answer(std::move(said)) {}
    static void due(Timer& self) { static_cast<Waiting&>(self).upstream.finish(static_cast<Waiting&>(self)); }
    NamesUpstream& upstream;
    Request& request;
    Names::Answer answer;
  };

  void finish(Waiting& waiting) {
    const auto found =
        std::ranges::find_if(waiting_, [&](const auto& each) { return each.get() == &waiting; });
    const auto keep = std::move(*found);
    waiting_.erase(found);
    if (keep->answer.octets.empty())
      keep->request.done(keep->request, std::unexpected(keep->answer.status));
    else
      keep->request.done(keep->request, std::span<const std::byte>(keep->answer.octets));
  }

  Names& names_;
  shard::Core& core_;
  std::list<std::unique_ptr<Waiting>> waiting_;
};

namespace {

void add(dns::Zone& zone, const std::string& line) {
  RP_ASSERT(zone.add(line).has_value());
}

}  // namespace

Names::Names(const Profile& profile, Coverage& coverage)
    : rates_(profile.names), domains_(profile.domains), coverage_(coverage), random_(profile.seed * 31 + 7) {
  for (unsigned i = 0; i < domains_; ++i) {
    add(zone_, fmt::format("{} 60 MX 10 mx.{}", domain(i), domain(i)));
    add(zone_, fmt::format("mx.{} {} A {}", domain(i), i % 2 == 0 ? 0 : 300, to_string(host(i))));
  }
  add(zone_, fmt::format("{} 300 MX 10 mx.{}", kHome, kHome));
  add(zone_, fmt::format("mx.{} 300 A {}", kHome, to_string(home_host())));
}

std::unique_ptr<resolve::Upstream> Names::upstream(shard::Core& core) {
  return std::make_unique<NamesUpstream>(*this, core);
}

bool Names::strikes(std::uint32_t rate, std::string_view what) {
  if (rate == 0 || !random_.one_in(rate)) return false;
  coverage_.note(what);
  return true;
}

Names::Answer Names::answer(const dns::Question& question) {
  Answer answer{.delay = std::chrono::microseconds{random_.between(100, 50'000)}};
  if (strikes(rates_.silent, "names: silence")) {
    answer.delay = std::chrono::seconds{random_.between(30, 90)};
    answer.status = dns::Status::timeout;
    return answer;
  }
  if (strikes(rates_.fail, "names: failure")) {
    answer.status = random_.one_in(2) ? dns::Status::servfail : dns::Status::refused;
    return answer;
  }
  dns::Message message = zone_.respond({.question = question});
  // Reports go there: what hides it, or garbles it so that it seems to have no address, leaves nobody to be told.
  const bool home = question.name.to_string().ends_with(kHome);
  if (!home && strikes(rates_.absent, "names: a name that exists does not")) {
    const auto nowhere = dns::Name::parse("nowhere.test");
    message = zone_.respond({.question = {*nowhere, question.type}});
    message.query.question = question;
  } else if (!home && question.type == dns::Type::mx && strikes(rates_.lie, "names: another's exchanger")) {
    const auto other = dns::Name::parse(domain(static_cast<unsigned>(random_.below(domains_))));
    message = zone_.respond({.question = {*other, dns::Type::mx}});
    message.query.question = question;
    for (dns::Record& record : message.answers) record.owner = question.name;
  }
  answer.octets = message.encode(dns::kMessageBytesMax);
  if (!home && strikes(rates_.garbage, "names: garbage")) {
    answer.octets.resize(static_cast<std::size_t>(random_.between(1, answer.octets.size())));
    answer.octets[random_.below(answer.octets.size())] ^= std::byte{0x55};
  }
  return answer;
}

}  // namespace ringpost::simulator
