#include "ringpost/mail/envelope.hpp"

#include <array>

#include "ringpost/base/assert.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {

std::string_view to_string(BodyKind kind) {
  switch (kind) {
    case BodyKind::seven_bit:
      return "7BIT";
    case BodyKind::eight_bit_mime:
      return "8BITMIME";
    case BodyKind::binary_mime:
      return "BINARYMIME";
  }
  return "7BIT";
}

namespace {

struct NotifyWord {
  std::string_view word;
  std::uint8_t bit;
};
constexpr std::array<NotifyWord, 4> kNotifyWords{{{"NEVER", Notify::kNever},
                                                  {"SUCCESS", Notify::kSuccess},
                                                  {"FAILURE", Notify::kFailure},
                                                  {"DELAY", Notify::kDelay}}};

std::uint8_t notify_bit(std::string_view word) {
  for (const NotifyWord& known : kNotifyWords)
    if (equal_ignoring_case(word, known.word)) return known.bit;
  return 0;
}

}  // namespace

std::optional<Notify> parse_notify(std::string_view value) {
  Notify notify;
  while (true) {
    const std::size_t comma = value.find(',');
    const std::uint8_t bit = notify_bit(value.substr(0, comma));
    if (bit == 0 || (notify.bits & bit) != 0) return std::nullopt;
    notify.bits |= bit;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  if ((notify.bits & Notify::kNever) != 0 && notify.bits != Notify::kNever) return std::nullopt;
  return notify;
}

void append_notify(Notify notify, std::string& out) {
  bool first = true;
  for (const NotifyWord& known : kNotifyWords) {
    if ((notify.bits & known.bit) == 0) continue;
    if (!first) out += ',';
    out += known.word;
    first = false;
  }
}

void Envelope::clear() {
  arena_.clear();
  recipients_.clear();
  reverse_path_ = envid_ = auth_submitter_ = {};
  has_reverse_path_ = false;
  body = BodyKind::seven_bit;
  body_given = false;
  smtputf8 = false;
  dsn_return = DsnReturn::unset;
  declared_size.reset();
}

Envelope::Slice Envelope::keep(std::string_view added) {
  // Who adds recipients asks has_room before: this is our own error.
  RP_ASSERT(added.size() <= kEnvelopeTextMax - arena_.size());
  const Slice slice{static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint32_t>(added.size())};
  arena_ += added;
  return slice;
}

void Envelope::set_reverse_path(std::string_view canonical) {
  reverse_path_ = keep(canonical);
  has_reverse_path_ = true;
}
void Envelope::set_envid(std::string_view xtext) {
  envid_ = keep(xtext);
}
void Envelope::set_auth_submitter(std::string_view xtext) {
  auth_submitter_ = keep(xtext);
}

bool Envelope::has_room(const Recipient& recipient) const {
  return recipients_.size() < kRecipientsMax &&
         arena_.size() + recipient.address.size() + recipient.original_recipient.size() <= kEnvelopeTextTaken;
}

void Envelope::add_recipient(const Recipient& recipient) {
  RP_ASSERT(recipients_.size() < kRecipientsMax);
  const Slice address = keep(recipient.address);
  recipients_.push_back({address, keep(recipient.original_recipient), recipient.notify});
}

Recipient Envelope::recipient(std::size_t index) const {
  RP_ASSERT(index < recipients_.size());
  const Entry& entry = recipients_[index];
  return {text(entry.address), entry.notify, text(entry.original_recipient)};
}

void Envelope::truncate_recipients(std::size_t count) {
  if (count >= recipients_.size()) return;
  const std::uint32_t end = recipients_[count].address.offset;
  const auto before = [end](Slice slice) { return slice.size == 0 || slice.offset < end; };
  if (before(reverse_path_) && before(envid_) && before(auth_submitter_)) arena_.resize(end);
  recipients_.resize(count);
}

bool Envelope::has_recipient(std::string_view canonical) const {
  for (const Entry& entry : recipients_)
    if (text(entry.address) == canonical) return true;
  return false;
}

bool Envelope::uses_dsn() const {
  if (dsn_return != DsnReturn::unset || envid_.size != 0) return true;
  for (const Entry& entry : recipients_)
    if (entry.notify.given() || entry.original_recipient.size != 0) return true;
  return false;
}

}  // namespace ringpost::mail
