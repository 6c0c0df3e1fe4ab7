#include "message_parts.hpp"

#include <algorithm>
#include <array>

#include "ringpost/access/limits.hpp"
#include "ringpost/base/assert.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/transfer_decoding.hpp"

namespace ringpost::access {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

Task<Result<const mail::MimeStructure*>> MessageParts::structure() {
  if (structure_) co_return &*structure_;
  const auto facts = co_await user_.facts(message_.blob);
  if (!facts && facts.error().kind != ErrorKind::permanent) co_return fail(facts.error());
  record_ = facts ? text_of(*facts) : std::string_view();  // damaged: the message may be whole
  structure_ = mail::MimeStructure::read(record_);
  if (!structure_) {
    mail::MimeReader reader;
    for (std::uint64_t at = 0; at < message_.size; at += kReadPiece) {
      const store::Content part = RP_CO_TRY(co_await user_.read(message_.blob, at, kReadPiece));
      for (const auto piece : part.pieces()) reader.write(text_of(piece));
    }
    record_ = reader.finish();
    structure_ = mail::MimeStructure::read(record_);
    RP_ASSERT(structure_.has_value());
  }
  co_return &*structure_;
}

Task<Result<const mail::MessageEnvelope*>> MessageParts::envelope(const Damaged& damaged) {
  static const mail::MessageEnvelope kNothing;
  const auto structure = co_await this->structure();
  if (structure) co_return &(*structure)->envelopes.front();
  if (structure.error().kind != ErrorKind::permanent) co_return fail(structure.error());
  damaged(message_, structure.error());
  co_return &kNothing;
}

Task<Result<std::string>> MessageParts::text(Range range) {
  std::string text;
  text.reserve(range.size);
  while (text.size() < range.size) {
    const std::uint64_t left = range.size - text.size();
    const store::Content part = RP_CO_TRY(co_await user_.read(message_.blob, range.offset + text.size(),
                                                              std::min<std::uint64_t>(left, kReadPiece)));
    if (part.size() == 0) break;
    for (const auto piece : part.pieces()) text += text_of(piece);
  }
  co_return text;
}

Task<Result<void>> MessageParts::verify() {
  for (std::uint64_t at = 0; at < message_.size;) {
    const store::Content part = RP_CO_TRY(co_await user_.read(message_.blob, at, kReadPiece));
    if (part.size() == 0) co_return fail(ErrorKind::permanent, "the message is shorter than it was");
    at += part.size();
  }
  co_return Result<void>{};
}

namespace {

MessageParts::Range header_of(const mail::MimePart& part) {
  return {part.header_offset, part.header_size};
}
MessageParts::Range body_of(const mail::MimePart& part) {
  return {part.body_offset, part.body_size};
}

}  // namespace

std::optional<MessageParts::Range> MessageParts::range_of(const imap::Section& section,
                                                          const mail::MimeStructure& structure,
                                                          std::uint64_t message_size) {
  using Text = imap::Section::Text;
  const mail::MimePart* part = structure.find(section.part);
  if (part == nullptr) return std::nullopt;
  if (section.part.empty()) {
    if (section.text == Text::whole) return Range{0, message_size};
    return section.text == Text::text ? body_of(*part) : header_of(*part);
  }
  if (section.text == Text::whole) return body_of(*part);
  if (section.text == Text::mime) return header_of(*part);
  // HEADER and TEXT of a part are those of the message inside it.
  if (!part->message() || part->first_child == mail::MimePart::kNone) return std::nullopt;
  const mail::MimePart& inside = structure.at(part->first_child);
  return section.text == Text::text ? body_of(inside) : header_of(inside);
}

std::string MessageParts::header_fields(std::string_view header, const std::vector<std::string>& names,
                                        bool others) {
  std::string chosen;
  mail::HeaderReader reader(header);
  while (const auto field = reader.next()) {
    const bool named =
        std::ranges::any_of(names, [&](const std::string& name) { return same_word(name, field->name); });
    if (named != others) chosen += header.substr(field->offset, field->size);
  }
  if (!chosen.empty() && !chosen.ends_with('\n')) chosen += "\r\n";
  return chosen + "\r\n";
}

bool MessageParts::knows_encoding(const mail::MimePart& part) {
  return std::ranges::any_of(
      std::array<std::string_view, 5>{"7bit", "8bit", "binary", "base64", "quoted-printable"},
      [&](std::string_view name) { return same_word(part.encoding, name); });
}

Task<Result<std::string>> MessageParts::decoded(const mail::MimePart& part) {
  RP_ASSERT(knows_encoding(part));
  std::string bytes = RP_CO_TRY(co_await text(body_of(part)));
  if (same_word(part.encoding, "base64")) bytes = mail::decode_base64_tolerant(bytes);
  if (same_word(part.encoding, "quoted-printable")) bytes = mail::decode_quoted_printable(bytes);
  co_return bytes;
}

}  // namespace ringpost::access
