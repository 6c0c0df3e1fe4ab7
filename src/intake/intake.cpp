#include "ringpost/intake/intake.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "ringpost/intake/limits.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/submission.hpp"
#include "ringpost/scan/data_unstuffer.hpp"
#include "ringpost/spool/limits.hpp"

#include "judge.hpp"
#include "layout.hpp"

namespace ringpost::intake {

namespace {

constexpr mail::EnhancedStatus kSystemFull{4, 3, 1};
constexpr mail::EnhancedStatus kSystemTrouble{4, 3, 0};
constexpr mail::EnhancedStatus kRoutingLoop{5, 4, 6};
constexpr mail::EnhancedStatus kTooLarge{5, 3, 4};
constexpr mail::EnhancedStatus kPolicy{5, 7, 1};

mail::Reply full() {
  return {452, kSystemFull, "Insufficient system storage, try again later"};
}

// What the spool could not do, as the client hears it. What will never fit must not be tried for ever.
mail::Reply reply_for(const Error& error) {
  if (error.kind == ErrorKind::exhausted) return full();
  if (error.kind == ErrorKind::permanent) return {552, kTooLarge, "The message is too large for this system"};
  return {451, kSystemTrouble, "Local error in processing, try again later"};
}

const filter::Marks kNoMarks{};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// What the filter found, in a line of the log.
void add_judgement(const Judgement& judgement, observe::EventBuilder& event) {
  event.add(observe::EventKey::score, fmt::format("{:.1f}", judgement.score))
      .add(observe::EventKey::required, fmt::format("{:.1f}", judgement.required))
      .add(observe::EventKey::tests, std::string_view(judgement.tests).substr(0, kTestsTextMax))
      .add(observe::EventKey::action, to_string(judgement.action))
      .add(observe::EventKey::filter_time, judgement.time);
}

}  // namespace

Draft::Draft() = default;
Draft::Draft(Draft&&) noexcept = default;
Draft::~Draft() = default;

Intake::Intake(shard::Core& core, spool::Spool& spool, std::shared_ptr<const Settings> settings)
    : core_(core),
      spool_(spool),
      settings_(std::move(settings)),
      judge_(std::make_unique<Judge>(core)),
      passages_(core) {
  auto& registry = core.figures();
  registry.add("intake_messages", "Messages made durable and answered with 250.", figures_.messages);
  registry.add("intake_bytes", "Bytes of those messages, with our Received line.", figures_.bytes);
  registry.add("intake_recipients", "Recipients of those messages.", figures_.recipients);
  registry.add("intake_refused", "Messages refused after their body arrived.", figures_.refused);
  registry.add("intake_refused_full", "Refusals for want of disk or memory.", figures_.refused_full);
  registry.add("intake_refused_loop", "Messages that went in circles.", figures_.refused_loop);
  registry.add("intake_streamed", "Messages too large to wait whole in memory.", figures_.streamed);
}

Intake::~Intake() = default;

void Intake::set_filter(std::shared_ptr<const FilterSettings> settings) {
  judge_->set_settings(std::move(settings));
}
void Intake::set_fact_sources(std::vector<FactSource*> sources) {
  judge_->set_sources(std::move(sources));
}

std::optional<mail::Reply> Intake::refuse_when_full(mail::Durability level) {
  const spool::Refusal why = spool_.refusing(level);
  if (why == spool::Refusal::none && !core_.buffers().tight()) return std::nullopt;
  figures_.refused_full.add();
  if (why == spool::Refusal::write_errors)
    return reply_for({ErrorKind::temporary, 0, std::string(to_string(why))});
  return full();
}

std::expected<Draft, mail::Reply> Intake::begin(const Origin& origin, const mail::Envelope& envelope,
                                                std::uint64_t size_hint) {
  if (auto reply = refuse_when_full(origin.durability)) return std::unexpected(std::move(*reply));
  Draft draft;
  draft.id_ = spool_.next_id();
  const std::string id = to_string(draft.id_);
  const std::string peer = to_string(origin.peer);
  received_.clear();
  mail::append_received(
      {.helo = origin.helo,
       .peer_name = origin.peer_name,
       .peer_address = peer,
       .hostname = settings_->hostname,
       .protocol = origin.protocol,
       .protocol_override = origin.protocol_override,
       .tls = origin.tls,
       .auth_user = origin.auth_user,
       .id = id,
       .recipient = envelope.recipient_count() == 1 ? envelope.recipient(0).address : std::string_view{},
       .arrival = core_.wall_now()},
      received_);
  const std::uint64_t wanted = received_.size() + std::max<std::uint64_t>(size_hint, 4096);
  draft.block_ =
      core_.buffers().take(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, kWholeBodyMax)));
  if (!draft.block_) {
    figures_.refused_full.add();
    return std::unexpected(full());
  }
  draft.received_size_ = draft.block_.append(bytes_of(received_));
  return draft;
}

Task<std::optional<mail::Reply>> Intake::more_room(Draft& draft, const Origin& origin,
                                                   const mail::Envelope& envelope) {
  if (draft.block_.capacity() < kWholeBodyMax) {
    if (core_.buffers().grow(draft.block_)) co_return std::nullopt;
    figures_.refused_full.add();
    co_return full();
  }
  see_header(draft, origin, envelope);
  if (awaits_verdict(draft, origin)) {
    const std::uint64_t held = (draft.kept_.size() + 1) * std::uint64_t{kWholeBodyMax};
    if (held < judge_->settings()->options.scan_size.count) co_return keep(draft);
    if (auto refusal = co_await judge(draft, origin, envelope)) {
      announce_refusal(draft, origin, envelope, *refusal);
      co_return refusal;
    }
  }
  const bool discarded = draft.judgement_ && draft.judgement_->action == Action::discard;
  if (origin.durability == mail::Durability::through && !discarded) co_return keep(draft);
  if (const auto done = co_await spill(draft, origin, envelope); !done) co_return reply_for(done.error());
  co_return std::nullopt;
}

// Once the header is whole (or a block is full): counts hops and makes what a submission lacks.
void Intake::see_header(Draft& draft, const Origin& origin, const mail::Envelope& envelope) {
  if (draft.header_seen_) return;
  draft.header_seen_ = true;
  const std::string_view body = text_of(draft.first_bytes().subspan(draft.received_size_));
  draft.received_count_ = mail::count_hops(body).received;
  if (origin.submission) {
    if (const auto missing = mail::find_missing_fields(body); missing.any())
      draft.added_ = mail::make_missing_fields(missing, {.now = core_.wall_now(),
                                                         .id = draft.id_,
                                                         .hostname = settings_->hostname,
                                                         .from = envelope.reverse_path()});
  }
  draft.prefix_size_ = draft.received_size_ + draft.added_.size();
}

// ---- the filter

bool Intake::awaits_verdict(const Draft& draft, const Origin& origin) const {
  return !draft.judgement_ && !draft.incoming_ && judge_->wants(origin);
}

// The block is full, and the filter wants to see more, or nothing may be on disk.
std::optional<mail::Reply> Intake::keep(Draft& draft) {
  buffer::Block next = core_.buffers().take(kWholeBodyMax);
  if (!next) {
    figures_.refused_full.add();
    return full();
  }
  draft.kept_.push_back(std::move(draft.block_));
  draft.block_ = std::move(next);
  return std::nullopt;
}

Task<std::optional<mail::Reply>> Intake::judge(Draft& draft, const Origin& origin,
                                               const mail::Envelope& envelope) {
  std::vector<std::span<const std::byte>> message;
  const auto first = draft.first_bytes();
  if (draft.added_.empty()) {
    message.push_back(first);
  } else {
    message = {first.first(draft.received_size_), bytes_of(draft.added_),
               first.subspan(draft.received_size_)};
  }
  for (std::size_t i = 1; i < draft.kept_.size(); ++i)
    message.push_back(std::as_const(draft.kept_[i]).bytes());
  if (!draft.kept_.empty()) message.push_back(std::as_const(draft.block_).bytes());
  draft.judgement_ = std::make_unique<Judgement>(
      co_await judge_->judge(message, text_of(first.subspan(draft.received_size_)), origin, envelope));
  if (draft.judgement_->action != Action::reject) co_return std::nullopt;
  co_return mail::Reply{
      550, kPolicy,
      fmt::format("This message looks like spam (score {:.1f}) and is refused; ask the postmaster about {}",
                  draft.judgement_->score, to_string(draft.id_))};
}

// All that is held, in the order in which it is stored; valid until the draft changes.
std::vector<std::span<const std::byte>> Intake::front_pieces(const Draft& draft) {
  const filter::Marks& marks = draft.judgement_ ? draft.judgement_->marks : kNoMarks;
  const auto first = draft.first_bytes();
  std::vector<std::span<const std::byte>> pieces{first.first(draft.received_size_), bytes_of(draft.added_),
                                                 bytes_of(marks.fields)};
  append_without(first.subspan(draft.received_size_), marks.cuts, pieces);
  for (std::size_t i = 1; i < draft.kept_.size(); ++i) pieces.push_back(draft.kept_[i].bytes());
  if (!draft.kept_.empty()) pieces.push_back(draft.block_.bytes());
  return pieces;
}

// What is held goes into the log.
Task<Result<void>> Intake::spill(Draft& draft, const Origin& origin, const mail::Envelope& envelope) {
  if (draft.judgement_ && draft.judgement_->action == Action::discard) {
    draft.kept_.clear();
    draft.block_.clear();
    co_return Result<void>{};
  }
  const bool first = !draft.incoming_;
  if (first) {
    see_header(draft, origin, envelope);
    draft.incoming_.emplace(RP_CO_TRY(spool_.begin()));
    figures_.streamed.add();
  }
  const auto bytes = std::as_const(draft.block_).bytes();
  if (first && (draft.judgement_ || !draft.kept_.empty())) {  // a reload may have turned the filter off
    for (const auto piece : front_pieces(draft)) RP_CO_CHECK(co_await draft.incoming_->append(piece));
  } else if (first) {
    RP_CO_CHECK(co_await draft.incoming_->append(bytes.first(draft.received_size_)));
    RP_CO_CHECK(co_await draft.incoming_->append(bytes_of(draft.added_)));
    RP_CO_CHECK(co_await draft.incoming_->append(bytes.subspan(draft.received_size_)));
  } else {
    RP_CO_CHECK(co_await draft.incoming_->append(bytes));
  }
  draft.kept_.clear();
  draft.block_.clear();
  co_return Result<void>{};
}

std::optional<mail::Reply> Intake::loop(const Draft& draft) const {
  if (draft.received_count_ <= settings_->hops_max) return std::nullopt;
  return mail::Reply{554, kRoutingLoop, "Too many hops: this message goes in circles"};
}

mail::ArrivalFacts Intake::arrival(const Draft& draft, const Origin& origin, const scan::BodyFacts& facts,
                                   bool report, std::span<char> peer_text) const {
  const std::string peer = to_string(origin.peer);
  std::memcpy(peer_text.data(), peer.data(), peer.size());
  mail::ArrivalFacts arrival;
  arrival.arrival = core_.wall_now();
  arrival.expiry = core_.wall_now() + (report ? settings_->report_expire_after : settings_->expire_after);
  arrival.durability = origin.durability;
  arrival.flags = origin.flags;
  arrival.received_count =
      static_cast<std::uint16_t>(std::min<std::size_t>(draft.received_count_, UINT16_MAX));
  arrival.peer_address = std::string_view(peer_text.data(), peer.size());
  arrival.peer_name = origin.peer_name;
  arrival.helo = origin.helo;
  arrival.tls = origin.tls;
  arrival.auth_user = origin.auth_user;
  arrival.listener = origin.listener;
  arrival.body =
      stored_facts(facts, draft.prefix_size_, draft.judgement_ ? draft.judgement_->marks : kNoMarks);
  if (draft.judgement_) {
    arrival.flags |= draft.judgement_->flags();
    if (draft.judgement_->action == Action::quarantine) {
      arrival.expiry = core_.wall_now() + draft.judgement_->quarantine_expiry;
      arrival.durability = mail::Durability::disk;  // it may wait for weeks
    }
  }
  return arrival;
}

Task<Verdict> Intake::finish(Draft draft, const Origin& origin, const mail::Envelope& envelope,
                             const scan::BodyFacts& facts) {
  see_header(draft, origin, envelope);
  std::optional<mail::Reply> refusal = loop(draft);
  if (refusal) figures_.refused_loop.add();
  if (!refusal && awaits_verdict(draft, origin)) refusal = co_await judge(draft, origin, envelope);
  std::array<char, 64> peer_text{};  // the longest IPv6 address has 45 characters
  const mail::ArrivalFacts stored = arrival(draft, origin, facts, envelope.reverse_path().empty(), peer_text);
  const bool discarded = draft.judgement_ && draft.judgement_->action == Action::discard;
  if (!refusal && !discarded && stored.durability == mail::Durability::through)
    co_return co_await pass_on(std::move(draft), origin, envelope, stored);
  if (!refusal && !discarded)
    if (const auto done = co_await store(draft, origin, envelope, stored); !done)
      refusal = reply_for(done.error());
  if (refusal) co_return refuse(draft, origin, envelope, *std::move(refusal));
  announce(draft, origin, envelope, stored);
  co_return Verdict{draft.id_, std::nullopt, {}};
}

Verdict Intake::refuse(const Draft& draft, const Origin& origin, const mail::Envelope& envelope,
                       mail::Reply reply) {
  figures_.refused.add();
  announce_refusal(draft, origin, envelope, reply);
  return {draft.id_, std::move(reply), {}};
}

// The passage stands before the message is announced, and until who sends has said a word about each recipient: nobody
// else ends it, so what the client hears is what has happened.
Task<Verdict> Intake::pass_on(Draft draft, const Origin& origin, const mail::Envelope& envelope,
                              const mail::ArrivalFacts& facts) {
  Passages::Passage passage(passages_, draft.id_, envelope.recipient_count());
  if (const auto done = co_await store(draft, origin, envelope, facts); !done)
    co_return refuse(draft, origin, envelope, reply_for(done.error()));
  draft.let_go();
  Verdict verdict{draft.id_, std::nullopt, co_await passage.decided()};
  const bool taken = std::ranges::any_of(verdict.replies, &mail::Reply::completed);
  if (taken)
    announce(draft, origin, envelope, facts);
  else
    (void)refuse(draft, origin, envelope, verdict.replies.front());
  co_return verdict;
}

Task<Result<void>> Intake::store(Draft& draft, const Origin& origin, const mail::Envelope& envelope,
                                 const mail::ArrivalFacts& facts) {
  const bool whole = !draft.incoming_ && draft.kept_.empty();
  if (facts.durability == mail::Durability::through) {
    auto pieces = front_pieces(draft);
    if (draft.judgement_) pieces.push_back(bytes_of(draft.judgement_->marks.tail));
    co_return co_await spool_.accept(draft.id_, envelope, facts, pieces);
  }
  if (whole && !draft.judgement_) {
    const auto bytes = std::as_const(draft.block_).bytes();
    const std::array<std::span<const std::byte>, 3> pieces{
        bytes.first(draft.received_size_), bytes_of(draft.added_), bytes.subspan(draft.received_size_)};
    co_return co_await spool_.accept(draft.id_, envelope, facts, pieces);
  }
  if (whole && facts.body.size <= spool::kWholeMessageMax) {
    auto pieces = front_pieces(draft);
    pieces.push_back(bytes_of(draft.judgement_->marks.tail));
    co_return co_await spool_.accept(draft.id_, envelope, facts, pieces);
  }
  RP_CO_CHECK(co_await spill(draft, origin, envelope));
  if (draft.judgement_) RP_CO_CHECK(co_await draft.incoming_->append(bytes_of(draft.judgement_->marks.tail)));
  co_return co_await spool_.accept(draft.id_, envelope, facts, std::move(*draft.incoming_));
}

Task<Verdict> Intake::take(std::span<const std::byte> message, const Origin& origin,
                           const mail::Envelope& envelope) {
  co_return co_await take(std::span(&message, 1), origin, envelope);
}

Task<Verdict> Intake::take(std::span<const std::span<const std::byte>> pieces, const Origin& origin,
                           const mail::Envelope& envelope) {
  std::uint64_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  auto draft = begin(origin, envelope, size);
  if (!draft) co_return Verdict{{}, std::move(draft).error(), {}};
  scan::BodyFactsPass pass;
  for (std::span<const std::byte> rest : pieces) {
    while (!rest.empty()) {
      if (draft->space().empty()) {
        if (auto refusal = co_await more_room(*draft, origin, envelope))
          co_return Verdict{draft->id(), std::move(refusal), {}};
        continue;
      }
      const std::size_t count = std::min(rest.size(), draft->space().size());
      pass.step(rest.first(count), draft->space().data());
      draft->advance(count);
      rest = rest.subspan(count);
    }
  }
  co_return co_await finish(std::move(*draft), origin, envelope, pass.finish());
}

void Intake::announce(const Draft& draft, const Origin& origin, const mail::Envelope& envelope,
                      const mail::ArrivalFacts& facts) {
  if (!draft.judgement_ || draft.judgement_->action != Action::discard) {
    figures_.messages.add();
    figures_.bytes.add(facts.body.size);
    figures_.recipients.add(envelope.recipient_count());
  }
  auto event = core_.events().begin(observe::EventType::received, core_.wall_now());
  event.add(observe::EventKey::queue_id, draft.id_)
      .add(observe::EventKey::sender, envelope.reverse_path())
      .add(observe::EventKey::recipient_count, envelope.recipient_count())
      .add(observe::EventKey::size, facts.body.size)
      .add(observe::EventKey::listener, origin.listener)
      .add(observe::EventKey::protocol,
           origin.protocol_override.empty() ? mail::to_string(origin.protocol) : origin.protocol_override)
      .add(observe::EventKey::durability, mail::to_string(origin.durability));
  if (!facts.peer_address.empty()) event.add(observe::EventKey::peer, facts.peer_address);
  if (!origin.helo.empty()) event.add(observe::EventKey::helo, origin.helo);
  if (!origin.tls.empty()) event.add(observe::EventKey::tls, origin.tls);
  if (!origin.auth_user.empty()) event.add(observe::EventKey::auth_user, origin.auth_user);
  if (draft.judgement_) add_judgement(*draft.judgement_, event);
  event.finish();
}

void Intake::announce_refusal(const Draft& draft, const Origin& origin, const mail::Envelope& envelope,
                              const mail::Reply& reply) {
  auto event = core_.events().begin(observe::EventType::rejected, core_.wall_now());
  if (draft.judgement_ || origin.durability == mail::Durability::through)
    event.add(observe::EventKey::queue_id, draft.id_);
  if (origin.durability == mail::Durability::through)
    event.add(observe::EventKey::durability, mail::to_string(origin.durability));
  event.add(observe::EventKey::sender, envelope.reverse_path())
      .add(observe::EventKey::peer, to_string(origin.peer))
      .add(observe::EventKey::listener, origin.listener)
      .add(observe::EventKey::code, static_cast<std::uint64_t>(reply.code))
      .add(observe::EventKey::enhanced_status, mail::to_string(reply.status))
      .add(observe::EventKey::text, reply.text);
  if (draft.judgement_) add_judgement(*draft.judgement_, event);
  event.finish();
}

}  // namespace ringpost::intake
