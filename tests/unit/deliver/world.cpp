#include "world.hpp"

#include <algorithm>

#include "support/figures.hpp"

namespace ringpost::deliver::test {

World::World(unsigned cores, std::uint64_t seed) : simulation_(seed, cores + 1) {
  settings_ = std::make_unique<Settings>();
  settings_->hostname = "mx.origin.test";
  settings_->origin = "origin.test";
  leases_ = std::make_unique<Leases>(cores);
  for (unsigned i = 0; i < cores; ++i) parts_.push_back(std::make_unique<Part>());
}

World::~World() {
  if (opened_ > 0) end();
}

void World::zone(std::string_view line) {
  zone_.emplace_back(line);
}

Peer& World::add_peer(const std::string& address, std::uint16_t port) {
  const auto parsed = parse_address(address);
  EXPECT_TRUE(parsed) << address;
  peers_.push_back(
      std::make_unique<Peer>(simulation_.core(simulation_.count() - 1), Endpoint{*parsed, port}));
  return *peers_.back();
}

// A listener that takes no connection has room for one; that one is ours.
void World::add_silence(const std::string& address, std::uint16_t port) {
  const Endpoint endpoint{parse_address(address).value(), port};
  shard::Core& core = simulation_.core(simulation_.count() - 1);
  const auto listening = core.backend().listen(endpoint, {.backlog = 0});
  ASSERT_TRUE(listening) << listening.error().text;
  silent_.push_back(*listening);
  const std::size_t before = silent_.size();
  core.spawn(fill_line(core, endpoint));
  ASSERT_TRUE(run_until([&] { return silent_.size() > before; }));
}

Task<void> World::fill_line(shard::Core& core, Endpoint endpoint) {
  const auto socket = core.backend().open_socket(endpoint, std::nullopt);
  co_await shard::Await(core, {.kind = io::OpKind::connect, .handle = *socket, .address = &endpoint});
  silent_.push_back(*socket);
}

void World::begin() {
  auto router = Router::make(routes, passwords, [locals = local_domains](std::string_view domain) {
    return std::ranges::find(locals, domain) != locals.end();
  });
  ASSERT_TRUE(router) << router.error().text;
  settings_->router = std::move(*router);
  auto start = spool::start_spool(simulation_.core(0).backend().files(),
                                  {.directory = "/spool", .segment_size = 1_MiB});
  ASSERT_TRUE(start) << start.error().text;
  for (unsigned i = 0; i < parts_.size(); ++i) {
    shard::Core& core = simulation_.core(i);
    core.spawn(open(core, *parts_[i], *start));
  }
  ASSERT_TRUE(run_until([&] { return opened_ == parts_.size(); }));
}

Task<void> World::open(shard::Core& core, Part& part, spool::SpoolStart start) {
  if (keeps_mailboxes) {
    part.sharing = std::make_unique<store::Sharing>(1);
    part.store = std::make_unique<store::Store>(core, *part.sharing, store::StoreSettings{});
    local->use_store(part.store.get());
  }
  auto spool = co_await spool::Spool::open(core, {.directory = "/spool", .segment_size = 1_MiB}, start, {},
                                           part.store.get());
  EXPECT_TRUE(spool) << spool.error().text;
  part.spool = std::move(*spool);
  part.intake = std::make_unique<intake::Intake>(
      core, *part.spool,
      std::make_shared<const intake::Settings>(intake::Settings{.hostname = "mx.origin.test"}));
  auto upstream = std::make_unique<resolve::ScriptedUpstream>(core);
  part.upstream = upstream.get();
  for (const std::string& line : zone_) upstream->add(line);
  part.resolver = std::make_unique<resolve::Resolver>(core, std::move(upstream), 1_MiB, resolve::Hosts{},
                                                      resolve::Identity{});
  Service::Parts parts{.spool = part.spool.get(),
                       .intake = part.intake.get(),
                       .resolver = part.resolver.get(),
                       .local = local,
                       .leases = leases_.get(),
                       .tls = tls.get(),
                       .settings = std::make_shared<const Settings>(*settings_),
                       .directives = directives};
  part.service = std::make_unique<Service>(core, std::move(parts));
  EXPECT_TRUE(co_await part.spool->start(*part.service));
  ++opened_;
}

Task<void> World::close(shard::Core&, Part& part) {
  part.service->drain();
  co_await part.service->stopped();
  co_await part.resolver->stop();
  co_await part.spool->close();
  ++closed_;
}

Task<void> World::stop_peers(shard::Core& core) {
  for (const io::Handle handle : silent_)
    co_await shard::Await(core, {.kind = io::OpKind::close, .handle = handle});
  for (const auto& peer : peers_) co_await peer->stop();
  peers_stopped_ = true;
}

void World::end() {
  for (unsigned i = 0; i < parts_.size(); ++i)
    simulation_.core(i).spawn(close(simulation_.core(i), *parts_[i]));
  EXPECT_TRUE(run_until([&] { return closed_ == parts_.size(); }));
  shard::Core& last = simulation_.core(simulation_.count() - 1);
  last.spawn(stop_peers(last));
  EXPECT_TRUE(run_until([&] { return peers_stopped_; }));
  for (unsigned i = 0; i < simulation_.count(); ++i) {
    EXPECT_EQ(simulation_.core(i).live_tasks(), 0U) << "core " << i;
  }
  for (const auto& part : parts_) part->service.reset();
  opened_ = 0;
}

struct World::Dead {
  std::vector<std::unique_ptr<Part>> parts;
  std::vector<std::unique_ptr<Peer>> peers;
  std::unique_ptr<Leases> leases;
};

void World::power_cut() {
  events();
  static std::vector<Dead>* const graveyard = new std::vector<Dead>;
  graveyard->push_back({std::move(parts_), std::move(peers_), std::move(leases_)});
  const unsigned cores = simulation_.count() - 1;
  parts_.clear();
  peers_.clear();
  for (unsigned i = 0; i < cores; ++i) parts_.push_back(std::make_unique<Part>());
  leases_ = std::make_unique<Leases>(cores);
  opened_ = 0;
  simulation_.power_cut();
}

Task<void> World::take(shard::Core& core, const NewMail& mail, std::optional<MessageId>& id) {
  mail::Envelope envelope;
  envelope.set_reverse_path(mail.from);
  envelope.dsn_return = mail.dsn_return;
  for (const std::string& to : mail.to) envelope.add_recipient({.address = to, .notify = mail.notify});
  const auto verdict = co_await parts_[core.index()]->intake->take(
      std::as_bytes(std::span(mail.body)), {.listener = "test", .flags = mail.flags}, envelope);
  EXPECT_FALSE(verdict.refusal) << verdict.refusal->text;
  id = verdict.id;
}

MessageId World::send(const NewMail& mail, unsigned core) {
  std::optional<MessageId> id;
  simulation_.core(core).spawn(take(simulation_.core(core), mail, id));
  EXPECT_TRUE(run_until([&] { return id.has_value(); }));
  return *id;
}

Task<void> World::take_through(shard::Core& core, NewMail mail, bool lmtp, Answered answered) {
  mail::Envelope envelope;
  envelope.set_reverse_path(mail.from);
  for (const std::string& to : mail.to) envelope.add_recipient({.address = to});
  *answered = co_await parts_[core.index()]->intake->take(std::as_bytes(std::span(mail.body)),
                                                          {.listener = "test",
                                                           .protocol = {.extended = true, .lmtp = lmtp},
                                                           .durability = mail::Durability::through,
                                                           .flags = mail.flags},
                                                          envelope);
}

World::Answered World::pass(const NewMail& mail, bool lmtp) {
  auto answered = std::make_shared<std::optional<intake::Verdict>>();
  core().spawn(take_through(core(), mail, lmtp, answered));
  return answered;
}

std::vector<LoggedEvent> World::events(const std::string& type) {
  for (unsigned i = 0; i < parts_.size(); ++i)
    simulation_.core(i).events().drain([&](const observe::EventView& view) {
      LoggedEvent event{std::string(observe::to_string(view.type)), {}};
      view.for_each([&](observe::EventKey key, std::string_view text) {
        event.fields.emplace(observe::to_string(key), text);
      });
      events_.push_back(std::move(event));
    });
  std::vector<LoggedEvent> wanted;
  for (const LoggedEvent& event : events_)
    if (type.empty() || event.type == type) wanted.push_back(event);
  return wanted;
}

std::string World::log() {
  std::string text;
  for (const LoggedEvent& event : events()) {
    text += event.type;
    for (const auto& [key, value] : event.fields) text += " " + key + "=" + value;
    text += "\n";
  }
  return text;
}

std::vector<spool::Outcome> World::outcomes(MessageId id) {
  auto loaded = ask(spool().load(id));
  return loaded ? loaded->outcomes : std::vector<spool::Outcome>{};
}

std::uint64_t World::figure(std::string_view name, unsigned core) {
  return shard::figure(simulation_.core(core), name);
}

std::size_t count_lines(const Peer& peer, std::string_view beginning) {
  return static_cast<std::size_t>(std::ranges::count_if(
      peer.lines, [&](const std::string& line) { return line.starts_with(beginning); }));
}

}  // namespace ringpost::deliver::test
