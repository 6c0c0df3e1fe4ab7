#include "process.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <future>
#include <thread>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/admin/directives.hpp"
#include "ringpost/config/print.hpp"
#include "ringpost/inject/pickup_format.hpp"
#include "ringpost/publish/metrics.hpp"
#include "ringpost/server/rule_files.hpp"
#include "ringpost/server/version.hpp"

#include "token_endpoint.hpp"

namespace ringpost::server {

namespace {

// After the drain: for the last completions and the last frame.
constexpr std::chrono::milliseconds kLastBound{10'000};
// A reload may have changed how long a key of session tickets lives.
constexpr Duration kTicketKeyLook = 1min;
// An idle server drains faster than the endpoint can answer who asked for the stop.
constexpr std::chrono::milliseconds kLastWord{250};
// Of rules with errors in the log.
constexpr std::size_t kRuleErrorsNamed = 20;

WallTime wall_clock() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return {now.tv_sec * 1'000'000'000LL + now.tv_nsec};
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> local_domains(const Configuration& configuration) {
  std::vector<std::string> domains = configuration.domains.local;
  domains.push_back(configuration.hostname());
  return domains;
}

filter::BayesTotals site_totals(const tables::Bayes& bayes) {
  const auto view = bayes.view();
  const auto* site = view->owner("");
  return site == nullptr ? filter::BayesTotals{} : filter::BayesTotals{site->spam.load(), site->ham.load()};
}

}  // namespace

Process::~Process() = default;

Result<void> Process::start(LoadedConfiguration loaded) {
  started_ = wall_clock();
  first_ = std::move(loaded);
  const std::shared_ptr<const Configuration> configuration = first_.configuration;
  RP_CHECK(prepare(*configuration));
  material_ = RP_TRY(read_material(configuration, nullptr));
  const ServiceUser user = RP_TRY(service_user(configuration->server.user));
  RP_CHECK(become(user));
  if (geteuid() == 0)
    return fail(ErrorKind::permanent, "refusing to run as root: set server.user to a user made for it");
  RP_CHECK(open_durable(*configuration));
  auto with_rules = std::make_shared<Material>(*material_);
  admin::Reloaded begun;
  RP_CHECK(take_rules(*with_rules, begun));
  material_ = std::move(with_rules);
  RP_CHECK(start_cores());
  for (const std::string& remark : begun.waiting) publisher_->notice(remark);
  rule_keeper_ = std::make_unique<RuleKeeper>(
      [this](std::shared_ptr<const filter::Engine> engine) { put_engine_in_force(std::move(engine)); },
      [this](const std::string& text) { publisher_->notice(text); });
  have_rules_compiled();
  RP_CHECK(serve_pages());
  endpoint_ = RP_TRY(admin::Endpoint::start(configuration->admin, *this));
  // A command that changed accounts since they were opened found nobody to tell.
  RP_CHECK(accounts_->refresh());
  publisher_->notice("ready: " + runtime_->describe());
  return {};
}

// While still root, if root: limits, folders, ports, the helper.
Result<void> Process::prepare(const Configuration& configuration) {
  umask(077);
  raise_limits();
  const ServiceUser user = RP_TRY(service_user(configuration.server.user));
  RP_CHECK(prepare_directory(configuration.spool.directory.text, user));
  RP_CHECK(prepare_directory(configuration.server.state_directory.text, user));
  RP_CHECK(prepare_directory(parent_of(configuration.server.pickup_directory.text), user, 0755));
  RP_CHECK(inject::prepare_pickup(configuration.server.pickup_directory.text, user.uid, user.gid));
  RP_CHECK(prepare_directory(parent_of(configuration.admin.socket.text), user, 0755));
  RP_CHECK(prepare_directory(parent_of(configuration.accounts.database.text), user));
  for (const auto& [name, log] : configuration.log)
    if (log.to.starts_with("file:")) RP_CHECK(prepare_directory(parent_of(log.to.substr(5)), user, 0755));
  const unsigned cores = RP_TRY(shard::Runtime::core_count(configuration.cores));
  shared_.sockets = RP_TRY(bind_sockets(configuration, cores));
  leases_ = std::make_unique<deliver::Leases>(cores);
  clients_ = std::make_unique<net::ClientLimits>(cores);
  shared_.directives.resize(cores);
  if (geteuid() == 0)
    helper_ = RP_TRY(deliver::start_helper({.service_uid = user.uid,
                                            .service_gid = user.gid,
                                            .uid_min = configuration.accounts.system_uid_min,
                                            .location = configuration.mailboxes.location}));
  return {};
}

Result<void> Process::open_durable(const Configuration& configuration) {
  files_ = RP_TRY(io::make_backend({.choice = "epoll"}));
  shared_.spool_start = RP_TRY(spool::start_spool(files_->files(), configuration.spool));
  tables_ = RP_TRY(tables::Tables::open(configuration.server.state_directory.text + "/tables.db"));
  accounts_ = RP_TRY(accounts::Accounts::open(configuration.accounts, local_domains(configuration)));
  if (!configuration.accounts.token_introspection.empty()) {
    fetch_ = RP_TRY(fetch::Client::start());
    accounts_->set_introspection(RP_TRY(make_token_endpoint(*fetch_, configuration.accounts)));
  }
  shared_.accounts = accounts_.get();
  shared_.helper = helper_.get();
  shared_.leases = leases_.get();
  shared_.clients = clients_.get();
  shared_.directives =
      RP_TRY(admin::load_directives(*tables_, static_cast<unsigned>(shared_.directives.size())));
  return {};
}

Result<void> Process::start_cores() {
  const Configuration& configuration = *material_->configuration;
  services_.resize(shared_.directives.size());
  runtime_ = RP_TRY(shard::Runtime::start(configuration.cores, [this](shard::Core& core) -> Result<void> {
    services_[core.index()] = std::make_unique<CoreServices>(core, shared_);
    return {};
  }));
  std::vector<observe::EventRing*> rings;
  for (unsigned i = 0; i < runtime_->count(); ++i) rings.push_back(&runtime_->core(i).events());
  publisher_ =
      RP_TRY(publish::Publisher::start(std::move(rings), configuration.log, configuration.hostname()));
  RP_CHECK(on_all([this](CoreServices& services) { return services.open(material_); }));
  return on_all([](CoreServices& services) { return services.start(); });
}

// Any thread may read figures; which there are is settled when the cores have started.
Result<void> Process::serve_pages() {
  std::vector<int> listening;
  for (const BoundSocket& socket : shared_.sockets)
    if (socket.core == kOffCores) listening.push_back(socket.handle.value);
  if (listening.empty()) return {};
  std::vector<const observe::Registry*> figures;
  for (unsigned i = 0; i < runtime_->count(); ++i) figures.push_back(&runtime_->core(i).figures());
  pages_ = RP_TRY(publish::PageServer::start(std::move(listening), [this, figures = std::move(figures)] {
    return publish::metrics_page({.version = kVersion, .started = started_}, figures);
  }));
  return {};
}

namespace {

// Runs one task and gives its result to a thread that waits for it.
Task<void> answer(shard::Core&, Task<Result<void>> task, std::promise<Result<void>>* promise) {
  promise->set_value(co_await std::move(task));
}

}  // namespace

Result<void> Process::on_all(const std::function<Task<Result<void>>(CoreServices&)>& make) {
  std::vector<std::promise<Result<void>>> promises(services_.size());
  for (unsigned i = 0; i < services_.size(); ++i)
    runtime_->run_on(
        i, [&, i](shard::Core& core) { core.spawn(answer(core, make(*services_[i]), &promises[i])); });
  Result<void> first;
  for (auto& promise : promises) {
    Result<void> result = promise.get_future().get();
    if (!result && first) first = std::move(result);
  }
  return first;
}

void Process::on_core(unsigned core, const std::function<void(admin::CoreView&)>& visit) {
  std::promise<void> done;
  runtime_->run_on(core, [&](shard::Core& here) {
    CoreServices& services = *services_[here.index()];
    admin::CoreView view{
        here, services.spool(), services.deliver(), services.receive(), services.store(), services.access()};
    visit(view);
    done.set_value();
  });
  done.get_future().get();
}

void Process::on_each_core(const std::function<void(admin::CoreView&)>& visit) {
  for (unsigned i = 0; i < core_count(); ++i) on_core(i, visit);
}

// "off", or what runs.
std::string Process::filter_text() const {
  if (!material_->filter) return "off";
  const filter::Engine& engine = *material_->filter->engine;
  std::string text = fmt::format("{}, {}, scores for {}", rule_summary_,
                                 engine.is_compiled() ? "compiled" : "being compiled",
                                 to_string(engine.options().score_set));
  if (bayes_) {
    const filter::BayesTotals known = site_totals(*bayes_);
    text += fmt::format(", Bayes of {} spam and {} ham", known.spam, known.ham);
  }
  return text;
}

admin::ServerStatus Process::status() const {
  const std::scoped_lock lock(mutex_);
  return {.version = std::string(kVersion),
          .hostname = material_->configuration->hostname(),
          .backend = runtime_->describe(),
          .config_path = config_path_,
          .started = started_,
          .generation = generation_,
          .draining = stopping_,
          .filter = filter_text()};
}

namespace {

// A reload swaps all but what was bound or opened at start.
Result<void> check_same_sockets(const Configuration& old, const Configuration& fresh) {
  const auto addresses = [](const Configuration& configuration) {
    std::vector<std::pair<std::string, std::vector<Endpoint>>> all;
    for (const auto& [name, listener] : configuration.listener) all.emplace_back(name, listener.address);
    return all;
  };
  if (addresses(old) == addresses(fresh)) return {};
  return fail(ErrorKind::permanent,
              "listeners and their addresses cannot change while the server runs: restart it to take this "
              "configuration");
}

}  // namespace

// What a reload does not change is said, not passed over.
std::vector<std::string> Process::not_in_force(const LoadedConfiguration& fresh) const {
  std::vector<std::string> waiting;
  for (const std::string& key : config::waiting_for_restart(*first_.schema, *fresh.schema))
    waiting.push_back(key + " has changed, which is not in force before a restart of the server");
  const std::string& location = fresh.configuration->mailboxes.location;
  if (helper_ != nullptr && location.starts_with("pipe:") &&
      location != first_.configuration->mailboxes.location)
    waiting.push_back(
        "mailboxes.location names another command than at the start: the delivery helper does not run it as "
        "users of the "
        "system, so their mail is deferred until a restart of the server");
  return waiting;
}

Result<admin::Reloaded> Process::reload() {
  const std::scoped_lock one_at_a_time(reload_mutex_);
  LoadedConfiguration loaded = load_configuration(config_path_);
  if (!loaded.loaded.ok()) {
    std::string text = "the configuration has errors; the running one stays";
    for (const config::Finding& finding : loaded.loaded.findings) text += "\n" + config::to_string(finding);
    return fail(ErrorKind::permanent, std::move(text));
  }
  const std::shared_ptr<const Configuration> configuration = loaded.configuration;
  const std::shared_ptr<const Material> old = material_;
  RP_CHECK(check_same_sockets(*old->configuration, *configuration));
  auto fresh = std::make_shared<Material>(*RP_TRY(read_material(configuration, old->ticket_keys)));
  admin::Reloaded reloaded;
  RP_CHECK(take_rules(*fresh, reloaded));
  accounts_->serve(local_domains(*configuration));
  RP_CHECK(accounts_->refresh());
  RP_CHECK(publisher_->reload(configuration->log));
  RP_CHECK(put_in_force(std::move(fresh)));
  have_rules_compiled();
  for (std::string& sentence : not_in_force(loaded)) reloaded.waiting.push_back(std::move(sentence));
  const std::scoped_lock lock(mutex_);
  publisher_->notice(fmt::format("configuration {} is in force", ++generation_));
  for (const std::string& sentence : reloaded.waiting) publisher_->notice("but " + sentence);
  return reloaded;
}

Result<void> Process::put_in_force(std::shared_ptr<const Material> fresh) {
  const auto swap = [](std::shared_ptr<const Material> material) {
    return [material](CoreServices& services) -> Task<Result<void>> {
      return [](CoreServices& here, std::shared_ptr<const Material> what) -> Task<Result<void>> {
        co_return here.reload(std::move(what));
      }(services, material);
    };
  };
  if (auto done = on_all(swap(fresh)); !done) {
    (void)on_all(swap(material_));
    return done;
  }
  const std::scoped_lock lock(mutex_);
  material_ = std::move(fresh);
  return {};
}

// Rules in which something has become wrong do not take the place of those that run.
Result<void> Process::take_rules(Material& fresh, admin::Reloaded& reloaded) {
  const Configuration& configuration = *fresh.configuration;
  LoadedRules loaded = RP_TRY(load_rules_of(
      configuration, [&](const filter::RuleSet& rules) { return choose_scores(configuration, rules); }));
  const std::shared_ptr<const intake::FilterSettings> old = material_->filter;
  std::vector<std::string> news;
  for (const std::string& error : loaded.errors)
    if (std::ranges::find(rule_errors_, error) == rule_errors_.end()) news.push_back(error);
  if (old && loaded.engine && !news.empty()) {
    reloaded.rules_refused = true;
    reloaded.waiting.push_back(
        fmt::format("the rules of the filter stay as they were, for {} of the new ones {} wrong: {}",
                    news.size(), news.size() == 1 ? "is" : "are", news.front()));
    loaded.engine = old->engine;
  } else {
    for (std::size_t i = 0; i < std::min(news.size(), kRuleErrorsNamed); ++i)
      reloaded.waiting.push_back("a rule is left out: " + news[i]);
    if (news.size() > kRuleErrorsNamed)
      reloaded.waiting.push_back(fmt::format("{} more are left out; `ringpost filter check` names them",
                                             news.size() - kRuleErrorsNamed));
    const std::scoped_lock lock(mutex_);
    rule_errors_ = std::move(loaded.errors);
    rule_summary_ = std::move(loaded.summary);
  }
  if (loaded.engine)
    fresh.filter = std::make_shared<const intake::FilterSettings>(
        intake::FilterSettings{.engine = std::move(loaded.engine),
                               .options = configuration.filter,
                               .hostname = configuration.hostname(),
                               .queue_expire_after = configuration.retry.expire_after});
  return {};
}

void Process::have_rules_compiled() {
  if (material_->filter && !material_->filter->engine->is_compiled())
    rule_keeper_->compile(*material_->configuration, material_->filter->engine);
}

// On the keeper's thread. A reload may have brought other rules meanwhile.
void Process::put_engine_in_force(std::shared_ptr<const filter::Engine> engine) {
  const std::scoped_lock one_at_a_time(reload_mutex_);
  const std::shared_ptr<const intake::FilterSettings> old = material_->filter;
  if (!old || &old->engine->rules() != &engine->rules()) return;
  auto settings = std::make_shared<intake::FilterSettings>(*old);
  settings->engine = std::move(engine);
  put_filter_in_force(settings);
  publisher_->notice("the rules of the filter are compiled");
}

void Process::put_filter_in_force(std::shared_ptr<const intake::FilterSettings> settings) {
  auto fresh = std::make_shared<Material>(*material_);
  fresh->filter = settings;
  (void)on_all([settings](CoreServices& services) -> Task<Result<void>> {
    return
        [](CoreServices& here, std::shared_ptr<const intake::FilterSettings> filter) -> Task<Result<void>> {
          here.set_filter(std::move(filter));
          co_return Result<void>{};
        }(services, settings);
  });
  const std::scoped_lock lock(mutex_);
  material_ = std::move(fresh);
}

Result<filter::ScoreSet> Process::choose_scores(const Configuration& configuration,
                                                const filter::RuleSet& rules) {
  unsigned set = configuration.filter.dns_lists ? static_cast<unsigned>(filter::ScoreSet::net) : 0U;
  const filter::BayesSettings settings = filter::make_bayes_settings(rules.settings());
  const bool used = settings.used && configuration.filter.bayes != filter::BayesScope::off;
  if (used && !bayes_) {
    auto opened = RP_TRY(tables::Bayes::open(configuration.server.state_directory.text + "/bayes.db",
                                             {.tokens_max = settings.tokens_max}));
    RP_CHECK(opened->load());
    const std::scoped_lock lock(mutex_);
    bayes_ = std::move(opened);
    shared_.bayes = bayes_.get();
  } else if (used) {
    RP_TRY(bayes_->refresh());  // a command may have taught it since
  }
  if (used && filter::is_trained(site_totals(*bayes_), settings))
    set |= static_cast<unsigned>(filter::ScoreSet::bayes);
  return static_cast<filter::ScoreSet>(set);
}

void Process::follow_bayes() {
  const std::scoped_lock one_at_a_time(reload_mutex_);
  const std::shared_ptr<const intake::FilterSettings> old = material_->filter;
  if (!bayes_ || !old) return;
  const filter::Engine& engine = *old->engine;
  const auto wanted = choose_scores(*material_->configuration, engine.rules());
  if (!wanted || *wanted == engine.options().score_set) return;
  auto settings = std::make_shared<intake::FilterSettings>(*old);
  const auto rules = std::shared_ptr<const filter::RuleSet>(old->engine, &engine.rules());
  const filter::EngineOptions options{.score_set = *wanted};
  settings->engine = cached_engine(material_->configuration->server.state_directory.text, rules, options);
  if (!settings->engine) settings->engine = filter::Engine::interim(rules, options);
  put_filter_in_force(settings);
  publisher_->notice(
      fmt::format("the rules of the filter run with the scores for {}", filter::to_string(*wanted)));
  have_rules_compiled();
}

Result<void> Process::rotate_ticket_keys() {
  const std::scoped_lock one_at_a_time(reload_mutex_);
  auto fresh = std::make_shared<Material>(*material_);
  fresh->ticket_keys = RP_TRY(fresh->ticket_keys->rotated());
  return put_in_force(std::move(fresh));
}

int Process::wait_for_signal(const sigset_t& wanted) {
  for (;;) {
    Duration lifetime{};
    {
      const std::scoped_lock lock(mutex_);
      lifetime = material_->configuration->tls.ticket_key_lifetime;
    }
    const Duration left = sealed_since_ + lifetime - files_->now();
    const Duration bound = std::clamp(left, Duration{0}, kTicketKeyLook);
    const timespec wait{.tv_sec = bound / 1s, .tv_nsec = (bound % 1s).count()};
    const int signal = sigtimedwait(&wanted, nullptr, &wait);
    if (signal > 0) return signal;
    follow_bayes();
    if (left > Duration{0}) continue;
    if (auto done = rotate_ticket_keys(); !done)
      publisher_->notice("the keys of session tickets stay: " + done.error().text);
    sealed_since_ = files_->now();
  }
}

void Process::stop(std::optional<Duration> drain) {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    if (drain) drain_ = *drain;
  }
  kill(getpid(), SIGTERM);
}

int Process::run() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, signal);
  {
    const std::scoped_lock lock(mutex_);
    drain_ = material_->configuration->server.drain;
  }
  sealed_since_ = files_->now();
  for (;;) {
    if (wait_for_signal(wanted) != SIGHUP) break;
    if (auto done = reload(); !done) {
      publisher_->notice("reload refused: " + done.error().text);
      fmt::print(stderr, "ringpost: reload refused: {}\n", done.error().text);
    }
  }
  Duration drain{0};
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    drain = drain_;
  }
  // A second one is for who cannot wait: the default action ends the process at once, and the spool survives that.
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, SIG_DFL);
  sigset_t fatal;
  sigemptyset(&fatal);
  sigaddset(&fatal, SIGTERM);
  sigaddset(&fatal, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &fatal, nullptr);
  shut_down(drain);
  return 0;
}

void Process::shut_down(Duration drain) {
  publisher_->notice("stopping");
  rule_keeper_->stop();
  if (fetch_) fetch_->stop();  // who logs in now would not be served any more
  (void)on_all([drain](CoreServices& services) -> Task<Result<void>> {
    return [](CoreServices& here, Duration bound) -> Task<Result<void>> {
      co_await here.shut_down(bound);
      co_return Result<void>{};
    }(services, drain);
  });
  std::this_thread::sleep_for(kLastWord);
  endpoint_.reset();
  pages_.reset();
  end_services();
  publisher_->notice("stopped");
  publisher_.reset();  // it reads rings that are the cores'
  runtime_->stop(kLastBound);
}

// On their own threads, because each core ends with its thread, and its services must be gone before.
void Process::end_services() {
  std::vector<std::promise<void>> promises(services_.size());
  for (unsigned i = 0; i < services_.size(); ++i)
    runtime_->run_on(i, [&, i](shard::Core&) {
      services_[i].reset();
      promises[i].set_value();
    });
  for (auto& promise : promises) promise.get_future().get();
}

}  // namespace ringpost::server
