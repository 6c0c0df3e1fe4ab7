// DATA and BDAT: from the received slice to the driver's space in one pass.
#include "server_body.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "ringpost/base/assert.hpp"
#include "ringpost/mail/address.hpp"

namespace ringpost::smtp {
namespace {

using Kind = Event::Kind;

struct ChunkArguments {
  std::uint64_t bytes = 0;
  bool last = false;
};

// RFC 3030 section 2: "BDAT" SP chunk-size [SP "LAST"].
std::optional<ChunkArguments> parse_chunk(std::string_view arguments) {
  ChunkArguments chunk;
  const char* const end = arguments.data() + arguments.size();
  const auto [rest, error] = std::from_chars(arguments.data(), end, chunk.bytes);
  if (error != std::errc{}) return std::nullopt;
  if (rest == end) return chunk;
  std::string_view word(rest, end);
  if (word.front() != ' ') return std::nullopt;
  word.remove_prefix(word.find_first_not_of(' '));
  chunk.last = mail::equal_ignoring_case(word, "LAST");
  return chunk.last ? std::optional(chunk) : std::nullopt;
}

scan::LineEndPolicy policy(const ServerSettings& settings) {
  return settings.bare_line_ending == BareLineEnding::refuse ? scan::LineEndPolicy::refuse
                                                             : scan::LineEndPolicy::normalize;
}

}  // namespace

ServerSession::Body& ServerSession::body() {
  if (!body_) body_ = std::make_unique<Body>();
  return *body_;
}

const scan::BodyFacts& ServerSession::body_facts() const {
  RP_ASSERT(body_ != nullptr);
  return body_->facts();
}

const mail::Reply* ServerSession::refusal() const {
  return body_ && body_->refusal ? &*body_->refusal : nullptr;
}

std::optional<Event> ServerSession::on_data(std::string_view arguments) {
  if (phase_ == Phase::chunks) return refuse(replies::kChunksOpen);
  if (phase_ == Phase::mail) return refuse(replies::kRecipientsFirst);
  if (phase_ != Phase::recipients) return refuse(replies::kMailFirst);
  if (!arguments.empty()) return refuse(replies::kNoArguments);
  // All RCPTs accepted before may have been refused since; and RFC 3030 section 3 keeps binary out of DATA.
  if (envelope_.recipient_count() == 0) return refuse(replies::kRecipientsFirst);
  if (envelope_.body == mail::BodyKind::binary_mime) return refuse(replies::kNeedsChunking);
  Body& b = body();
  b.pass.emplace<scan::DataUnstuffer>(policy(*settings_));
  b.refusal.reset();
  b.ended = b.orphan = false;
  b.last_chunk = true;
  size_hint_ = envelope_.declared_size.value_or(0);
  return Event{Kind::data_begin};
}

// The answer to data_begin was yes.
void ServerSession::begin_body() {
  if (body().chunked()) {
    phase_ = Phase::chunk;
  } else {
    phase_ = Phase::data;
    say(replies::kStartBody);
  }
}

std::optional<Event> ServerSession::receive_data(Input& input, std::span<std::byte> target) {
  Body& b = *body_;
  if (b.ended) return finish_body();
  if (input.empty()) return Event{Kind::need_input};
  if (b.refusal) return discard_data(input);
  if (target.size() < scan::kStepOutputMin) return Event{Kind::need_room};
  const scan::Step step = std::get<scan::DataUnstuffer>(b.pass).step(input, target);
  input = input.subspan(step.consumed);
  unspoken_ += step.consumed;
  b.ended = step.status == scan::StepStatus::end_of_data;
  if (const FixedReply* fault = body_fault()) return drop_body(*fault);
  if (step.produced > 0) return Event{Kind::body, step.produced};
  if (step.status == scan::StepStatus::output_full) return Event{Kind::need_room};
  return std::nullopt;
}

// A refused body is still read to its end: only there the client listens (RFC 5321 section 4.2.5).
std::optional<Event> ServerSession::discard_data(Input& input) {
  std::array<std::byte, kDiscardBytes> nowhere;
  auto& unstuffer = std::get<scan::DataUnstuffer>(body_->pass);
  while (!input.empty() && !body_->ended) {
    const scan::Step step = unstuffer.step(input, nowhere);
    input = input.subspan(step.consumed);
    unspoken_ += step.consumed;
    body_->ended = step.status == scan::StepStatus::end_of_data;
  }
  return std::nullopt;
}

// The driver hears of it at once, so that it gives the room back; the client at the end.
std::optional<Event> ServerSession::drop_body(const FixedReply& why) {
  body_->refusal = why;
  return Event{Kind::reset};
}

// What is wrong with the body so far, or nullptr.
const FixedReply* ServerSession::body_fault() const {
  const scan::BodyFacts& facts = body_->facts();
  if (facts.size > settings_->message_size_max.count) return &replies::kTooLarge;
  if (envelope_.body == mail::BodyKind::binary_mime) return nullptr;
  // A chunk is taken as it is, so in BDAT there is nothing to normalise: a bare line end would go out by DATA
  // to the next host and end the message there.
  const bool keeps_bare = body_->chunked() || settings_->bare_line_ending == BareLineEnding::refuse;
  if (keeps_bare && facts.has_bare_line_ends()) return &replies::kBareInBody;
  if (facts.longest_line + 2 > settings_->text_line_max.count) return &replies::kLongTextLine;
  const bool undeclared = facts.eight_bit && envelope_.body == mail::BodyKind::seven_bit;
  if (undeclared && settings_->strict_8bit) return &replies::kUndeclared8bit;
  return nullptr;
}

std::optional<Event> ServerSession::finish_body() {
  Body& b = *body_;
  b.ended = false;
  if (!b.refusal) return Event{Kind::message_end};
  const std::size_t answers = b.orphan || !b.last_chunk ? 1 : answers_due();
  for (std::size_t i = 0; i < answers; ++i) say(*b.refusal);
  if (b.orphan)
    note_error();
  else
    ++rejections_;
  if (b.orphan) {
    phase_ = b.resume;
  } else {
    end_transaction();
  }
  if (b.refusal->code == 421) phase_ = Phase::closed;
  b.refusal.reset();
  return Event{Kind::flush};  // commands may follow, and unspoken() tells the two apart
}

// Why this chunk belongs to no transaction, or nullptr.
const FixedReply* ServerSession::bdat_obstacle() const {
  if (!settings_->chunking) return &replies::kNotImplemented;
  if (phase_ == Phase::chunks) return nullptr;
  if (phase_ == Phase::mail) return &replies::kRecipientsFirst;
  if (phase_ != Phase::recipients) return &replies::kMailFirst;
  return envelope_.recipient_count() == 0 ? &replies::kRecipientsFirst : nullptr;
}

std::optional<Event> ServerSession::on_bdat(std::string_view arguments) {
  const std::optional<ChunkArguments> chunk = parse_chunk(arguments);
  // How many bytes follow is unknown, so what follows cannot be told from commands.
  if (!chunk) {
    note_error();
    return hang_up(replies::kBdatSyntax);
  }
  const bool first = phase_ != Phase::chunks;
  Body& b = body();
  b.chunk_left = b.chunk_bytes = chunk->bytes;
  b.last_chunk = chunk->last;
  b.ended = b.orphan = false;
  if (first) {
    b.pass.emplace<scan::BodyFactsPass>();
    b.refusal.reset();
  }
  if (const FixedReply* obstacle = bdat_obstacle()) {
    refuse_chunk(*obstacle);
    return std::nullopt;
  }
  if (first) {
    size_hint_ = std::max(envelope_.declared_size.value_or(0), chunk->bytes);
    return Event{Kind::data_begin};
  }
  phase_ = Phase::chunk;
  return std::nullopt;
}

// The chunk's bytes are on their way all the same; they are dropped before the reply.
void ServerSession::refuse_chunk(const mail::Reply& why) {
  body_->refusal = why;
  body_->orphan = true;
  body_->resume = phase_;
  phase_ = Phase::chunk;
}

std::optional<Event> ServerSession::receive_chunk(Input& input, std::span<std::byte> target) {
  Body& b = *body_;
  if (b.ended) return finish_body();
  if (b.chunk_left == 0) return finish_chunk();
  if (input.empty()) return Event{Kind::need_input};
  // The size so far is within the limit, or it would have been refused: the difference is not negative.
  if (!b.refusal && b.chunk_left > settings_->message_size_max.count - b.facts().size) {
    return drop_body(replies::kTooLarge);
  }
  std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), b.chunk_left));
  if (!b.refusal) {
    if (target.empty()) return Event{Kind::need_room};
    size = std::min(size, target.size());
    std::get<scan::BodyFactsPass>(b.pass).step(input.first(size), target.data());
  }
  input = input.subspan(size);
  unspoken_ += size;
  b.chunk_left -= size;
  if (b.refusal) return std::nullopt;
  if (const FixedReply* fault = body_fault()) return drop_body(*fault);
  return Event{Kind::body, size};
}

std::optional<Event> ServerSession::finish_chunk() {
  Body& b = *body_;
  if (!b.refusal && b.last_chunk) {
    std::get<scan::BodyFactsPass>(b.pass).finish();
    b.ended = true;
    if (const FixedReply* fault = body_fault()) return drop_body(*fault);
  }
  if (b.refusal || b.last_chunk) return finish_body();
  say(replies::kOk);
  phase_ = Phase::chunks;
  return std::nullopt;
}

}  // namespace ringpost::smtp
