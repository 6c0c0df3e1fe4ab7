#include "judge.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/intake/limits.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::intake {

namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

filter::Facts facts_of(const Origin& origin, const mail::Envelope& envelope, WallTime arrival) {
  filter::Facts facts;
  facts.arrival = arrival;
  if (origin.peer) facts.client = origin.peer;
  facts.helo = origin.helo;
  facts.envelope_from = std::string(envelope.reverse_path());
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i)
    facts.recipients.emplace_back(envelope.recipient(i).address);
  return facts;
}

// The quarantine keeps a mail as it came, for who releases it says that it is no spam; what it was held for stands in one field.
filter::Marks quarantine_marks(const Judgement& judgement, std::string_view mail) {
  filter::Marks marks = filter::cut_forged(mail);
  marks.fields = fmt::format("X-Ringpost-Quarantine: score={:.1f} required={:.1f} tests=", judgement.score,
                             judgement.required);
  std::size_t column = marks.fields.size();
  std::string_view tests = judgement.tests;
  while (!tests.empty()) {
    const std::size_t end = std::min(tests.find(','), tests.size() - 1) + 1;
    if (column + end > 78) {
      marks.fields += "\r\n\t";
      column = 8;
    }
    marks.fields += tests.substr(0, end);
    column += end;
    tests.remove_prefix(end);
  }
  marks.fields += "\r\n";
  return marks;
}

}  // namespace

std::string_view to_string(Action action) {
  constexpr auto kNames =
      std::to_array<std::string_view>({"accept", "tag", "junk", "quarantine", "reject", "discard"});
  return kNames.at(static_cast<std::size_t>(action));
}

std::uint16_t Judgement::flags() const {
  return action == Action::junk ? mail::kJunk : action == Action::quarantine ? mail::kQuarantined : 0;
}

// One message's part of the core's memory while it is judged.
struct Judge::Work {
  std::shared_ptr<const FilterSettings> settings;
  std::string joined;  // a message that lies in several pieces
  std::string_view text;
  filter::Facts facts;
  std::unique_ptr<patterns::Scratch> scratch;  // of a scan in the pool
  std::optional<filter::MessageView> view;
  filter::Verdict verdict;
};

Judge::Judge(shard::Core& core) : core_(core) {
  auto& registry = core.figures();
  registry.add("filter_messages", "Messages that the spam filter has judged.", figures_.messages);
  registry.add("filter_spam", "Of these, those that reached required_score.", figures_.spam);
  registry.add("filter_junked", "Spam that goes into the folder Junk.", figures_.junked);
  registry.add("filter_quarantined", "Spam that went into the quarantine.", figures_.quarantined);
  registry.add("filter_rejected", "Spam that was refused.", figures_.rejected);
  registry.add("filter_discarded", "Spam that was thrown away.", figures_.discarded);
  registry.add("filter_in_pool", "Messages so large that they were judged in the offload pool.",
               figures_.in_pool);
  registry.add("filter_gave_up", "Searches that went back and forth too long and were given up.",
               figures_.gave_up);
  registry.add("filter_cut_short", "Messages that cost more than one may; rules were left out.",
               figures_.cut_short);
  registry.add("filter_ns", "From the end of a message to its verdict, waits included.", figures_.time);
}

bool Judge::wants(const Origin& origin) const {
  if (!settings_ || origin.direction == Direction::internal) return false;
  return origin.direction == Direction::inbound || settings_->options.outbound != filter::OutboundAction::off;
}

Task<Judgement> Judge::judge(std::span<const std::span<const std::byte>> message, std::string_view mail,
                             const Origin& origin, const mail::Envelope& envelope) {
  const Instant begun = core_.backend().now();
  Work work{.settings = settings_, .facts = facts_of(origin, envelope, core_.wall_now())};
  if (message.size() == 1) {
    work.text = text_of(message.front());
  } else {
    for (const auto piece : message) work.joined += text_of(piece);
    work.text = work.joined;
  }
  work.text = work.text.substr(0, work.settings->options.scan_size.count);
  co_await run(work);
  const filter::RuleSet& rules = work.settings->engine->rules();
  Judgement judgement{.action = action_for(work.verdict, *work.settings, origin),
                      .score = work.verdict.score,
                      .required = work.verdict.required,
                      .tests = filter::hit_names(rules, work.verdict)};
  const std::string peer = to_string(origin.peer);
  const filter::MarkFacts mark_facts{.hostname = work.settings->hostname,
                                     .now = core_.wall_now(),
                                     .client_name = origin.peer_name,
                                     .client_address = peer,
                                     .random = core_.random()};
  const bool marked = judgement.action == Action::tag || judgement.action == Action::junk ||
                      (judgement.action == Action::accept && origin.direction == Direction::inbound);
  if (marked) judgement.marks = filter::make_marks(rules, work.verdict, mail, mark_facts);
  if (judgement.action == Action::quarantine) judgement.marks = quarantine_marks(judgement, mail);
  judgement.quarantine_expiry =
      work.settings->options.quarantine_expire_after + work.settings->queue_expire_after;
  judgement.time = core_.backend().now() - begun;
  count(judgement, work.verdict);
  co_return judgement;
}

Task<void> Judge::run(Work& work) {
  if (work.text.size() > kScanOnCoreMax) {
    figures_.in_pool.add();
    co_await run_in_pool(work);
  } else {
    co_await run_on_core(work);
  }
  for (FactSource* source : sources_) source->judged(*work.settings->engine, *work.view, work.verdict);
  work.view.reset();
  if (work.scratch && spare_.size() < kSpareScratchMax) spare_.push_back(std::move(work.scratch));
}

Task<void> Judge::ask(Work& work) {
  for (FactSource* source : sources_) co_await source->add(*work.settings->engine, *work.view, work.facts);
}

Task<void> Judge::run_on_core(Work& work) {
  if (!scratch_) scratch_ = std::make_unique<patterns::Scratch>();
  Instant slice = core_.backend().now();
  // The clock is read by each step: a step may be one literal in a short field, or 4 KiB through a thousand expressions.
  const auto spent = [&] { return core_.backend().now() - slice >= kScanSlice; };
  work.view.emplace(work.text, work.settings->engine->view_settings(), work.facts, *scratch_);
  while (work.view->prepare_next())
    if (spent()) {
      co_await shard::Yield{core_};
      slice = core_.backend().now();
    }
  co_await ask(work);
  filter::Scan scan(work.settings->engine, *work.view, work.facts, *scratch_);
  while (scan.advance())
    if (spent()) {
      co_await shard::Yield{core_};
      slice = core_.backend().now();
    }
  work.verdict = scan.verdict();
}

Task<void> Judge::run_in_pool(Work& work) {
  // The core's own may be in use while another thread works.
  std::unique_ptr<patterns::Scratch> own;
  if (spare_.empty()) {
    own = std::make_unique<patterns::Scratch>();
  } else {
    own = std::move(spare_.back());
    spare_.pop_back();
  }
  patterns::Scratch& scratch = *own;
  co_await shard::offload(core_, [&work, &scratch] {
    work.view.emplace(work.text, work.settings->engine->view_settings(), work.facts, scratch);
    while (work.view->prepare_next()) {
    }
    return true;
  });
  co_await ask(work);
  co_await shard::offload(core_, [&work, &scratch] {
    filter::Scan scan(work.settings->engine, *work.view, work.facts, scratch);
    while (scan.advance()) {
    }
    work.verdict = scan.verdict();
    return true;
  });
  work.scratch = std::move(own);  // the view points to it
}

Action Judge::action_for(const filter::Verdict& verdict, const FilterSettings& settings,
                         const Origin& origin) const {
  const filter::FilterOptions& options = settings.options;
  if (options.discard_score && verdict.score >= *options.discard_score) return Action::discard;
  if (options.reject_score && verdict.score >= *options.reject_score) return Action::reject;
  if (!verdict.spam()) return Action::accept;
  if (origin.direction == Direction::outbound) {
    switch (options.outbound) {
      case filter::OutboundAction::off:
        return Action::accept;
      case filter::OutboundAction::tag:
        return Action::tag;
      case filter::OutboundAction::quarantine:
        return Action::quarantine;
      case filter::OutboundAction::reject:
        return Action::reject;
      case filter::OutboundAction::discard:
        return Action::discard;
    }
  }
  switch (options.spam) {
    case filter::SpamAction::tag:
      return Action::tag;
    case filter::SpamAction::junk:
      return Action::junk;
    case filter::SpamAction::quarantine:
      return Action::quarantine;
    case filter::SpamAction::reject:
      return Action::reject;
    case filter::SpamAction::discard:
      return Action::discard;
  }
  return Action::tag;
}

void Judge::count(const Judgement& judgement, const filter::Verdict& verdict) {
  figures_.messages.add();
  figures_.time.record(static_cast<std::uint64_t>(judgement.time.count()));
  figures_.gave_up.add(verdict.gave_up);
  if (verdict.cut_short) figures_.cut_short.add();
  if (verdict.spam()) figures_.spam.add();
  switch (judgement.action) {
    case Action::junk:
      return figures_.junked.add();
    case Action::quarantine:
      return figures_.quarantined.add();
    case Action::reject:
      return figures_.rejected.add();
    case Action::discard:
      return figures_.discarded.add();
    case Action::accept:
    case Action::tag:
      return;
  }
}

}  // namespace ringpost::intake
