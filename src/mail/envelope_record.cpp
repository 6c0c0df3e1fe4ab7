#include "ringpost/mail/envelope_record.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {

static_assert(std::endian::native == std::endian::little, "records are copied as they lie in memory");

std::string_view to_string(Durability durability) {
  switch (durability) {
    case Durability::disk:
      return "disk";
    case Durability::relaxed:
      return "relaxed";
    case Durability::memory:
      return "memory";
    case Durability::through:
      return "through";
  }
  return "disk";
}

namespace {

constexpr std::uint32_t kMagic = 0x31455052;  // "RPE1"
constexpr std::uint16_t kVersion = 2;
constexpr std::size_t kPrefixSize = 16;
// An entry of the table of recipients: version 1 had four more zeros.
constexpr std::size_t kRecipientSize = 12;
constexpr std::size_t kRecipientSizeOf1 = 16;
constexpr std::size_t kRecipientPadding = 3;

enum Flag : std::uint32_t {
  eight_bit = 1,
  nul = 2,
  ends_with_crlf = 4,
  dots_overflow = 8,
  smtputf8 = 16,
  body_given = 32,
};

// Texts that stand once in a record, in this order, one behind the other; the fixed fields have the size of each. (In version 1
// its offset and size, of 32 bits each.)
enum Text : std::uint8_t {
  reverse_path,
  envid,
  auth_submitter,
  peer_address,
  peer_name,
  helo,
  tls,
  auth_user,
  listener,
  tenant
};
constexpr std::size_t kTextCount = 10;

// After the prefix: two times, five numbers (of 8 bytes in version 1), a CRC, flags, counts, then the texts.
constexpr std::size_t kFixedSize = 2 * 8 + 5 * 4 + 4 + 4 + 2 + 2 + 4 + kTextCount * 2;
constexpr std::size_t kFixedSizeOf1 = 7 * 8 + 4 + 4 + 2 + 2 + 4 + kTextCount * 8;
constexpr std::uint32_t kNothing = UINT32_MAX;  // in place of 64 bits set

using Texts = std::array<std::string_view, kTextCount>;

Texts texts_of(const Envelope& envelope, const ArrivalFacts& facts) {
  const auto cut = [](std::string_view text) { return text.substr(0, kFactTextMax); };
  return {envelope.reverse_path(), envelope.envid(),     envelope.auth_submitter(),
          cut(facts.peer_address), cut(facts.peer_name), cut(facts.helo),
          cut(facts.tls),          cut(facts.auth_user), cut(facts.listener),
          cut(facts.tenant)};
}

std::size_t text_size(const Envelope& envelope, const Texts& texts) {
  std::size_t size = 0;
  for (const std::string_view text : texts) size += text.size();
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i) {
    const Recipient recipient = envelope.recipient(i);
    size += recipient.address.size() + recipient.original_recipient.size();
  }
  return size;
}

class Writer {
 public:
  explicit Writer(std::span<std::byte> out) : out_(out) {}
  template <class T>
  void put(T value) {
    std::memcpy(out_.data() + at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void zeros(std::size_t count) {
    std::memset(out_.data() + at_, 0, count);
    at_ += count;
  }
  void text(std::string_view value) {
    if (!value.empty()) std::memcpy(out_.data() + at_, value.data(), value.size());
    at_ += value.size();
  }
  std::size_t size() const { return at_; }

 private:
  std::span<std::byte> out_;
  std::size_t at_ = 0;
};

// Reads within bounds that were checked before.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> in) : in_(in) {}
  template <class T>
  T take() {
    T value{};
    RP_ASSERT(in_.size() - at_ >= sizeof value);
    std::memcpy(&value, in_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

 private:
  std::span<const std::byte> in_;
  std::size_t at_ = 0;
};

std::uint32_t flags_of(const Envelope& envelope, const scan::BodyFacts& body) {
  return (body.eight_bit ? Flag::eight_bit : 0U) | (body.nul ? Flag::nul : 0U) |
         (body.ends_with_crlf ? Flag::ends_with_crlf : 0U) | (body.dots_overflow ? Flag::dots_overflow : 0U) |
         (envelope.smtputf8 ? Flag::smtputf8 : 0U) | (envelope.body_given ? Flag::body_given : 0U);
}

std::uint16_t size16(std::string_view text) {
  RP_ASSERT(text.size() <= std::numeric_limits<std::uint16_t>::max());
  return static_cast<std::uint16_t>(text.size());
}

// A message has 1 GiB at most.
std::uint32_t number32(std::uint64_t number) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, kNothing));
}

void put_numbers(const Envelope& envelope, const ArrivalFacts& facts, Writer& writer) {
  const scan::BodyFacts& body = facts.body;
  writer.put(facts.arrival.nanoseconds);
  writer.put(facts.expiry.nanoseconds);
  writer.put(number32(body.size));
  writer.put(number32(body.separator_offset));
  writer.put(number32(body.longest_line));
  writer.put(number32(body.bare_cr));
  writer.put(number32(body.bare_lf));
  writer.put(body.crc32c);
  writer.put(flags_of(envelope, body));
  writer.put(facts.received_count);
  writer.put(facts.flags);
  writer.put(static_cast<std::uint8_t>(facts.durability));
  writer.put(facts.priority);
  // Two kinds of four values at most share a byte.
  writer.put(static_cast<std::uint8_t>(std::to_underlying(envelope.body) |
                                       (std::to_underlying(envelope.dsn_return) << 4U)));
  writer.put(body.dot_count);
}

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorKind::permanent, "envelope record: " + std::string(what));
}

struct Slice {
  std::uint64_t offset;
  std::uint64_t size;
  bool fits(std::size_t bytes) const { return offset <= bytes && size <= bytes - offset; }
};

}  // namespace

std::size_t encoded_envelope_size(const Envelope& envelope, const ArrivalFacts& facts) {
  return kPrefixSize + kFixedSize + facts.body.dot_count * sizeof(std::uint32_t) +
         envelope.recipient_count() * kRecipientSize + text_size(envelope, texts_of(envelope, facts));
}

std::size_t encode_envelope(const Envelope& envelope, const ArrivalFacts& facts, std::span<std::byte> out) {
  const Texts texts = texts_of(envelope, facts);
  const std::size_t text_bytes = text_size(envelope, texts);
  RP_ASSERT(out.size() >= encoded_envelope_size(envelope, facts));
  Writer writer(out);
  writer.put(kMagic);
  writer.put(kVersion);
  writer.put(static_cast<std::uint16_t>(kFixedSize));
  writer.put(static_cast<std::uint32_t>(envelope.recipient_count()));
  writer.put(static_cast<std::uint32_t>(text_bytes));
  put_numbers(envelope, facts, writer);

  std::uint32_t offset = 0;
  for (const std::string_view text : texts) {
    writer.put(size16(text));
    offset += static_cast<std::uint32_t>(text.size());
  }
  for (const std::uint32_t dot : facts.body.known_dots()) writer.put(dot);
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i) {
    const Recipient recipient = envelope.recipient(i);
    writer.put(offset);
    writer.put(size16(recipient.address));
    writer.put(size16(recipient.original_recipient));
    writer.put(recipient.notify.bits);
    writer.zeros(kRecipientPadding);
    offset += static_cast<std::uint32_t>(recipient.address.size() + recipient.original_recipient.size());
  }
  for (const std::string_view text : texts) writer.text(text);
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i) {
    writer.text(envelope.recipient(i).address);
    writer.text(envelope.recipient(i).original_recipient);
  }
  return writer.size();
}

Result<EnvelopeRecord> EnvelopeRecord::decode(std::span<const std::byte> bytes) {
  if (bytes.size() < kPrefixSize + kFixedSize) return damaged("too short");
  Reader prefix(bytes);
  if (prefix.take<std::uint32_t>() != kMagic) return damaged("wrong magic");
  const auto version = prefix.take<std::uint16_t>();
  if (version == 0) return damaged("wrong version");
  // A version after 2 only adds fields behind those known here.
  const std::size_t fixed_size = prefix.take<std::uint16_t>();
  const std::size_t recipient_count = prefix.take<std::uint32_t>();
  const std::size_t text_bytes = prefix.take<std::uint32_t>();
  const bool old = version == 1;
  if (fixed_size < (old ? kFixedSizeOf1 : kFixedSize) || recipient_count > kRecipientsMax ||
      text_bytes > kEnvelopeTextMax)
    return damaged("sizes beyond the limits");
  if (bytes.size() < kPrefixSize + fixed_size) return damaged("too short");

  EnvelopeRecord record;
  record.recipient_size_ = old ? kRecipientSizeOf1 : kRecipientSize;
  Reader fixed(bytes.subspan(kPrefixSize, fixed_size));
  const std::size_t dot_count = RP_TRY(record.take_numbers(fixed, old));
  const std::size_t dots_at = kPrefixSize + fixed_size;
  const std::size_t recipients_at = dots_at + dot_count * sizeof(std::uint32_t);
  const std::size_t text_at = recipients_at + recipient_count * record.recipient_size_;
  if (bytes.size() != text_at + text_bytes) return damaged("wrong length");

  record.recipients_ = bytes.subspan(recipients_at, recipient_count * record.recipient_size_);
  record.recipient_count_ = recipient_count;
  record.text_ = {reinterpret_cast<const char*>(bytes.data()) + text_at, text_bytes};
  RP_CHECK(record.take_dots(bytes.subspan(dots_at, dot_count * sizeof(std::uint32_t))));
  RP_CHECK(record.take_texts(fixed, old));
  RP_CHECK(record.check_recipients());
  return record;
}

template <class FixedReader>
Result<std::size_t> EnvelopeRecord::take_numbers(FixedReader& fixed, bool old) {
  scan::BodyFacts& body = facts_.body;
  const auto number = [&]() -> std::uint64_t {
    if (old) return fixed.template take<std::uint64_t>();
    const auto small = fixed.template take<std::uint32_t>();
    return small == kNothing ? UINT64_MAX : small;
  };
  facts_.arrival.nanoseconds = fixed.template take<std::int64_t>();
  facts_.expiry.nanoseconds = fixed.template take<std::int64_t>();
  body.size = number();
  body.separator_offset = number();
  body.longest_line = number();
  body.bare_cr = number();
  body.bare_lf = number();
  body.crc32c = fixed.template take<std::uint32_t>();
  const auto flags = fixed.template take<std::uint32_t>();
  facts_.received_count = fixed.template take<std::uint16_t>();
  facts_.flags = fixed.template take<std::uint16_t>();
  const auto durability = fixed.template take<std::uint8_t>();
  facts_.priority = fixed.template take<std::uint8_t>();
  const auto kinds = fixed.template take<std::uint8_t>();
  const auto dot_count = fixed.template take<std::uint8_t>();

  if (durability > std::to_underlying(Durability::through)) return damaged("unknown durability");
  if ((kinds & 15U) > std::to_underlying(BodyKind::binary_mime)) return damaged("unknown body kind");
  if ((kinds >> 4U) > std::to_underlying(DsnReturn::headers)) return damaged("unknown RET");
  if (dot_count > scan::kDotOffsetsMax) return damaged("too many dots");
  if (body.separator_offset != scan::BodyFacts::kNoSeparator && body.separator_offset > body.size)
    return damaged("header longer than the message");
  facts_.durability = static_cast<Durability>(durability);
  body_ = static_cast<BodyKind>(kinds & 15U);
  dsn_return_ = static_cast<DsnReturn>(kinds >> 4U);
  body.dot_count = dot_count;
  body.eight_bit = (flags & Flag::eight_bit) != 0;
  body.nul = (flags & Flag::nul) != 0;
  body.ends_with_crlf = (flags & Flag::ends_with_crlf) != 0;
  body.dots_overflow = (flags & Flag::dots_overflow) != 0;
  smtputf8_ = (flags & Flag::smtputf8) != 0;
  body_given_ = (flags & Flag::body_given) != 0;
  return dot_count;
}

Result<> EnvelopeRecord::take_dots(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  std::int64_t last = -1;
  for (std::size_t i = 0; i < facts_.body.dot_count; ++i) {
    const auto dot = reader.take<std::uint32_t>();
    if (std::int64_t{dot} <= last || dot >= facts_.body.size) return damaged("dots out of order");
    facts_.body.dots[i] = dot;
    last = dot;
  }
  return {};
}

template <class FixedReader>
Result<> EnvelopeRecord::take_texts(FixedReader& fixed, bool old) {
  Texts texts;
  std::uint64_t behind = 0;  // the one before
  for (std::string_view& text : texts) {
    const std::uint64_t offset = old ? fixed.template take<std::uint32_t>() : behind;
    const Slice slice{offset,
                      old ? fixed.template take<std::uint32_t>() : fixed.template take<std::uint16_t>()};
    behind = offset + slice.size;
    if (!slice.fits(text_.size())) return damaged("a text outside of the record");
    text = text_.substr(slice.offset, slice.size);
  }
  reverse_path_ = texts[Text::reverse_path];
  envid_ = texts[Text::envid];
  auth_submitter_ = texts[Text::auth_submitter];
  facts_.peer_address = texts[Text::peer_address];
  facts_.peer_name = texts[Text::peer_name];
  facts_.helo = texts[Text::helo];
  facts_.tls = texts[Text::tls];
  facts_.auth_user = texts[Text::auth_user];
  facts_.listener = texts[Text::listener];
  facts_.tenant = texts[Text::tenant];
  return {};
}

Result<> EnvelopeRecord::check_recipients() const {
  // Together they may not claim more text than there is: copies of a record stay as small as it.
  std::uint64_t claimed = 0;
  for (std::size_t i = 0; i < recipient_count_; ++i) {
    Reader reader(recipients_.subspan(i * recipient_size_, recipient_size_));
    const auto offset = reader.take<std::uint32_t>();
    const std::uint64_t size = std::uint64_t{reader.take<std::uint16_t>()} + reader.take<std::uint16_t>();
    claimed += size;
    if (!Slice{offset, size}.fits(text_.size()) || claimed > text_.size())
      return damaged("a recipient outside of the record");
    if (reader.take<std::uint8_t>() > Notify::kAll) return damaged("unknown NOTIFY");
  }
  return {};
}

Recipient EnvelopeRecord::recipient(std::size_t index) const {
  RP_ASSERT(index < recipient_count_);
  Reader reader(recipients_.subspan(index * recipient_size_, recipient_size_));
  const auto offset = reader.take<std::uint32_t>();
  const auto address_size = reader.take<std::uint16_t>();
  const auto orcpt_size = reader.take<std::uint16_t>();
  const Notify notify{reader.take<std::uint8_t>()};
  return {text_.substr(offset, address_size), notify, text_.substr(offset + address_size, orcpt_size)};
}

void EnvelopeRecord::copy_to(Envelope& envelope) const {
  envelope.clear();
  envelope.body = body_;
  envelope.body_given = body_given_;
  envelope.smtputf8 = smtputf8_;
  envelope.dsn_return = dsn_return_;
  envelope.declared_size = facts_.body.size;
  envelope.set_reverse_path(reverse_path_);
  envelope.set_envid(envid_);
  envelope.set_auth_submitter(auth_submitter_);
  for (std::size_t i = 0; i < recipient_count_; ++i) envelope.add_recipient(recipient(i));
}

}  // namespace ringpost::mail
