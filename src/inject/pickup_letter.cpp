#include "pickup_letter.hpp"

#include <algorithm>
#include <unordered_set>

#include "ringpost/inject/limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/dsn.hpp"
#include "ringpost/mail/header.hpp"

namespace ringpost::inject {

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

// Canonical, with our origin when there is no domain.
std::expected<std::string, mail::AddressFault> complete(std::string_view text,
                                                        const PickupSettings& settings) {
  auto address = mail::canonical_address(text, {.allow_bare_local_part = true, .smtputf8 = true});
  if (!address || !mail::split_address(*address).domain.empty()) return address;
  std::string whole = *address + "@";
  if (auto done = mail::append_canonical_domain(settings.origin, whole); !done)
    return std::unexpected(done.error());
  return whole;
}

Result<std::string> find_sender(const PickupFile& file, const PickupSettings& settings) {
  if (file.message.sender && file.message.sender->empty()) return std::string();
  const std::string owner = file.owner_name.empty() ? "uid-" + std::to_string(file.owner) : file.owner_name;
  const std::string& given = file.message.sender ? *file.message.sender : owner;
  auto address = complete(given, settings);
  if (address) return *std::move(address);
  return fail(ErrorKind::permanent,
              "its sender is no address: " + std::string(mail::to_string(address.error())));
}

// The last one, or another like it once that is full.
mail::Envelope& envelope_with_room(Letter& letter, const mail::Recipient& recipient) {
  if (!letter.envelopes.back().has_room(recipient)) {
    mail::Envelope another = letter.envelopes.front();
    another.truncate_recipients(0);
    letter.envelopes.push_back(std::move(another));
  }
  return letter.envelopes.back();
}

void take_recipient(const PickupRecipient& wanted, const PickupSettings& settings, Letter& letter,
                    std::unordered_set<std::string>& seen) {
  const auto address = complete(wanted.address, settings);
  if (!address) {
    letter.refused.push_back(
        {wanted.address,
         wanted.notify,
         {501, {5, 1, 3}, "Bad recipient address syntax: " + std::string(mail::to_string(address.error()))}});
    return;
  }
  if (!seen.insert(*address).second) return;
  const policy::Verdict verdict = settings.policy->recipient(policy::Client{.local = true}, *address);
  if (!verdict.accepted) {
    letter.refused.push_back({*address, wanted.notify, verdict.reply});
    return;
  }
  const mail::Recipient recipient{.address = *address, .notify = wanted.notify};
  mail::Envelope& envelope = envelope_with_room(letter, recipient);
  envelope.smtputf8 = envelope.smtputf8 || !is_ascii(*address);
  envelope.add_recipient(recipient);
}

}  // namespace

Result<Letter> make_letter(const PickupFile& file, const PickupSettings& settings,
                           const std::unordered_set<std::string>& done) {
  Letter letter;
  letter.sender = RP_TRY(find_sender(file, settings));
  mail::Envelope envelope;
  envelope.set_reverse_path(letter.sender);
  if (!file.message.envelope_id.empty()) envelope.set_envid(file.message.envelope_id);
  envelope.dsn_return = file.message.dsn_return;
  envelope.smtputf8 = file.message.smtputf8 || !is_ascii(letter.sender);
  if (!is_ascii(file.message.body)) {
    envelope.body = mail::BodyKind::eight_bit_mime;
    envelope.body_given = true;
  }
  letter.envelopes.push_back(std::move(envelope));
  std::unordered_set<std::string> seen = done;
  for (const PickupRecipient& wanted : file.message.recipients)
    take_recipient(wanted, settings, letter, seen);
  return letter;
}

void refuse_all(Letter& letter, std::size_t envelope, const mail::Reply& reply) {
  mail::Envelope& refused = letter.envelopes[envelope];
  for (std::size_t i = 0; i < refused.recipient_count(); ++i) {
    const mail::Recipient recipient = refused.recipient(i);
    letter.refused.push_back({std::string(recipient.address), recipient.notify, reply});
  }
  refused.truncate_recipients(0);
}

std::optional<std::string> make_report(const Letter& letter, const PickupFile& file,
                                       const PickupSettings& settings, MessageId id, WallTime now) {
  std::vector<mail::DsnRecipient> recipients;
  for (const RefusedRecipient& refused : letter.refused) {
    if (recipients.size() == kPickupReportedMax) break;
    if (!mail::wants_report(refused.notify, mail::DsnAction::failed)) continue;
    recipients.push_back({.address = refused.address, .reply = refused.reply, .last_attempt = now});
  }
  if (recipients.empty() || letter.sender.empty()) return std::nullopt;
  const mail::Envelope& envelope = letter.envelopes.front();
  mail::HeaderReader header(file.message.body);
  while (header.next()) {
  }
  const std::string from = "MAILER-DAEMON@" + settings.origin;
  const std::string postmaster = "postmaster@" + settings.origin;
  return mail::build_dsn(
             {.reporting_mta = settings.hostname,
              .from = from,
              .to = letter.sender,
              .envid = envelope.envid(),
              .postmaster = postmaster,
              .arrival = now,
              .now = now,
              .id = id,
              .dsn_return = envelope.dsn_return,
              .message_is_utf8 = envelope.smtputf8,
              .original_header = std::string_view(file.message.body).substr(0, header.end_offset()),
              .original_body = std::string_view(file.message.body).substr(header.body_offset()),
              .recipients = recipients})
      .bytes;
}

}  // namespace ringpost::inject
