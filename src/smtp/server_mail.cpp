// MAIL and RCPT: the envelope.
#include "ringpost/mail/address.hpp"
#include "ringpost/smtp/server_session.hpp"

#include "command_table.hpp"
#include "parameters.hpp"

namespace ringpost::smtp {
namespace {

// Cuts "FROM:" or "TO:" off. Spaces behind the colon are wrong (RFC 5321 section 3.3) but common, and harmless.
bool cut_keyword(std::string_view& arguments, std::string_view keyword) {
  if (!begins_with(arguments, keyword)) return false;
  arguments.remove_prefix(keyword.size());
  while (arguments.starts_with(' ')) arguments.remove_prefix(1);
  return arguments.starts_with('<');
}

mail::Reply fault_reply(mail::AddressFault fault, bool sender) {
  if (fault == mail::AddressFault::needs_smtputf8) {
    return sender ? replies::kSenderNeedsUtf8 : replies::kRecipientNeedsUtf8;
  }
  const mail::EnhancedStatus status{5, 1, static_cast<std::uint16_t>(sender ? 7 : 3)};
  return {501, status, std::string(to_string(fault))};
}

}  // namespace

std::optional<Event> ServerSession::refuse_address(mail::AddressFault fault, bool sender) {
  note_error();
  say(fault_reply(fault, sender));
  return std::nullopt;
}

// Why MAIL is not allowed now, or nullptr.
const FixedReply* ServerSession::mail_obstacle() const {
  if (helo_.empty() && settings_->helo_required) return &replies::kHelloFirst;
  if (settings_->tls == TlsOffer::required && !secure_) return &replies::kTlsFirst;
  const bool auth_due = settings_->auth_required || settings_->dialect == Dialect::submission;
  if (auth_due && !authenticated_) return &replies::kAuthFirst;
  if (phase_ != Phase::ready) return &replies::kNestedMail;
  return nullptr;
}

std::optional<Event> ServerSession::on_mail(std::string_view arguments) {
  if (const FixedReply* obstacle = mail_obstacle()) return refuse(*obstacle);
  if (!cut_keyword(arguments, "FROM:")) return refuse(replies::kMailSyntax);
  mail::PathRules rules = mail::kReversePathRules;
  rules.smtputf8 = settings_->smtputf8;
  const auto path = mail::parse_path(arguments, rules);
  if (!path) return refuse_address(path.error(), true);
  const std::string_view rest = arguments.substr(path->size);
  if (!rest.empty() && rest.front() != ' ') return refuse(replies::kMailSyntax);
  if (const FixedReply* refusal = apply_mail_parameters(rest, *settings_, envelope_)) {
    end_transaction();
    return refuse(*refusal);
  }
  scratch_.clear();
  const auto canonical = path->utf8 && !envelope_.smtputf8
                             ? std::unexpected(mail::AddressFault::needs_smtputf8)
                             : mail::append_canonical(*path, scratch_);
  if (!canonical) {
    end_transaction();
    return refuse_address(canonical.error(), true);
  }
  envelope_.set_reverse_path(scratch_);
  return Event{Event::Kind::mail};
}

// Why RCPT is not allowed now, or nullptr.
const FixedReply* ServerSession::rcpt_obstacle() const {
  if (phase_ == Phase::chunks) return &replies::kChunksOpen;
  if (phase_ != Phase::mail && phase_ != Phase::recipients) return &replies::kMailFirst;
  return nullptr;
}

std::optional<Event> ServerSession::on_rcpt(std::string_view arguments) {
  if (const FixedReply* obstacle = rcpt_obstacle()) return refuse(*obstacle);
  if (!cut_keyword(arguments, "TO:")) return refuse(replies::kRcptSyntax);
  mail::PathRules rules = mail::kForwardPathRules;
  rules.smtputf8 = envelope_.smtputf8;
  const auto path = mail::parse_path(arguments, rules);
  if (!path) {
    // victim%elsewhere, elsewhere!victim, "victim@elsewhere": without a domain too they are ways to ask for a relay.
    const std::string_view given = arguments.substr(0, arguments.find('>'));
    if (path.error() == mail::AddressFault::bare_local_part && !given.contains(' ') &&
        mail::looks_like_relay_route(given))
      return refuse(replies::kRelayDenied);
    return refuse_address(path.error(), false);
  }
  const std::string_view rest = arguments.substr(path->size);
  if (!rest.empty() && rest.front() != ' ') return refuse(replies::kRcptSyntax);
  mail::Recipient recipient;
  if (const FixedReply* refusal = apply_rcpt_parameters(rest, *settings_, recipient)) return refuse(*refusal);
  scratch_.clear();
  if (const auto canonical = mail::append_canonical(*path, scratch_); !canonical) {
    return refuse_address(canonical.error(), false);
  }
  recipient.address = scratch_;
  // Not an error of the client: it sends the rest in another transaction.
  if (envelope_.recipient_count() >= settings_->recipients_max || !envelope_.has_room(recipient)) {
    say(replies::kTooManyRecipients);
    return std::nullopt;
  }
  envelope_.add_recipient(recipient);
  return Event{Event::Kind::recipient};
}

}  // namespace ringpost::smtp
