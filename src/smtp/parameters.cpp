#include "parameters.hpp"

#include <charconv>
#include <optional>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/mail/xtext.hpp"

#include "command_table.hpp"

namespace ringpost::smtp {
namespace {

using mail::equal_ignoring_case;

struct Parameter {
  std::string_view keyword;
  std::optional<std::string_view> value;
};

// Which keywords came already: each may come once.
class Once {
 public:
  bool take(unsigned index) {
    const std::uint32_t bit = 1U << index;
    const bool fresh = (seen_ & bit) == 0;
    seen_ |= bit;
    return fresh;
  }

 private:
  std::uint32_t seen_ = 0;
};

template <class Target>
struct Known {
  std::string_view keyword;
  bool (*enabled)(const ServerSettings&);
  const FixedReply* (*apply)(std::optional<std::string_view> value, const ServerSettings&, Target&);
};

// The next word of `text`, nullopt at its end.
std::optional<Parameter> next_parameter(std::string_view& text) {
  const std::size_t start = text.find_first_not_of(' ');
  if (start == std::string_view::npos) return std::nullopt;
  text.remove_prefix(start);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return Parameter{word, std::nullopt};
  return Parameter{word.substr(0, equals), word.substr(equals + 1)};
}

template <class Target, std::size_t N>
const FixedReply* apply_all(std::string_view text, const ServerSettings& settings, Target& target,
                            const Known<Target> (&table)[N]) {
  Once once;
  while (const std::optional<Parameter> parameter = next_parameter(text)) {
    const Known<Target>* found = nullptr;
    for (const Known<Target>& known : table) {
      if (equal_ignoring_case(known.keyword, parameter->keyword)) found = &known;
    }
    if (found == nullptr || !found->enabled(settings)) return &replies::kParameterUnknown;
    if (!once.take(static_cast<unsigned>(found - table))) return &replies::kParameterSyntax;
    if (const FixedReply* refusal = found->apply(parameter->value, settings, target)) return refusal;
  }
  return nullptr;
}

using Value = std::optional<std::string_view>;

bool always(const ServerSettings&) {
  return true;
}
bool with_dsn(const ServerSettings& s) {
  return s.dsn;
}
bool with_auth(const ServerSettings& s) {
  return !s.mechanisms.empty();
}
bool with_smtputf8(const ServerSettings& s) {
  return s.smtputf8;
}

// RFC 1870 section 4: up to 20 digits. What does not fit 64 bits is too large all the same.
const FixedReply* apply_size(Value value, const ServerSettings& settings, mail::Envelope& envelope) {
  if (!value || value->empty() || value->size() > 20) return &replies::kParameterSyntax;
  if (value->find_first_not_of("0123456789") != std::string_view::npos) return &replies::kParameterSyntax;
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), size);
  if (error != std::errc{} || size > settings.message_size_max.count) return &replies::kTooLarge;
  envelope.declared_size = size;
  return nullptr;
}

const FixedReply* apply_body(Value value, const ServerSettings& settings, mail::Envelope& envelope) {
  if (!value) return &replies::kParameterSyntax;
  if (equal_ignoring_case(*value, "7BIT")) {
    envelope.body = mail::BodyKind::seven_bit;
  } else if (equal_ignoring_case(*value, "8BITMIME")) {
    envelope.body = mail::BodyKind::eight_bit_mime;
  } else if (equal_ignoring_case(*value, "BINARYMIME") && settings.chunking) {
    envelope.body = mail::BodyKind::binary_mime;
  } else {
    return &replies::kParameterSyntax;
  }
  envelope.body_given = true;
  return nullptr;
}

const FixedReply* apply_smtputf8(Value value, const ServerSettings&, mail::Envelope& envelope) {
  if (value) return &replies::kParameterSyntax;
  envelope.smtputf8 = true;
  return nullptr;
}

const FixedReply* apply_ret(Value value, const ServerSettings&, mail::Envelope& envelope) {
  if (!value) return &replies::kParameterSyntax;
  if (equal_ignoring_case(*value, "FULL")) {
    envelope.dsn_return = mail::DsnReturn::full;
  } else if (equal_ignoring_case(*value, "HDRS")) {
    envelope.dsn_return = mail::DsnReturn::headers;
  } else {
    return &replies::kParameterSyntax;
  }
  return nullptr;
}

const FixedReply* apply_envid(Value value, const ServerSettings&, mail::Envelope& envelope) {
  if (!value || value->empty() || value->size() > mail::kEnvidSizeMax) return &replies::kParameterSyntax;
  if (!mail::decode_xtext(*value)) return &replies::kParameterSyntax;
  envelope.set_envid(*value);
  return nullptr;
}

// RFC 4954 section 5: an xtext mailbox or "<>". Kept as received; whether it is believed is policy.
const FixedReply* apply_auth(Value value, const ServerSettings&, mail::Envelope& envelope) {
  if (!value || value->empty() || value->size() > mail::kOrcptSizeMax) return &replies::kParameterSyntax;
  if (*value != "<>" && !mail::decode_xtext(*value)) return &replies::kParameterSyntax;
  envelope.set_auth_submitter(*value);
  return nullptr;
}

const FixedReply* apply_notify(Value value, const ServerSettings&, mail::Recipient& recipient) {
  if (!value) return &replies::kParameterSyntax;
  const std::optional<mail::Notify> notify = mail::parse_notify(*value);
  if (!notify) return &replies::kParameterSyntax;
  recipient.notify = *notify;
  return nullptr;
}

const FixedReply* apply_orcpt(Value value, const ServerSettings&, mail::Recipient& recipient) {
  if (!value || value->size() > mail::kOrcptSizeMax) return &replies::kParameterSyntax;
  if (!mail::parse_orcpt(*value)) return &replies::kParameterSyntax;
  recipient.original_recipient = *value;
  return nullptr;
}

constexpr Known<mail::Envelope> kMailParameters[] = {
    {"SIZE", always, apply_size},
    {"BODY", always, apply_body},
    {"SMTPUTF8", with_smtputf8, apply_smtputf8},
    {"RET", with_dsn, apply_ret},
    {"ENVID", with_dsn, apply_envid},
    {"AUTH", with_auth, apply_auth},
};
constexpr Known<mail::Recipient> kRcptParameters[] = {
    {"NOTIFY", with_dsn, apply_notify},
    {"ORCPT", with_dsn, apply_orcpt},
};

}  // namespace

const FixedReply* apply_mail_parameters(std::string_view text, const ServerSettings& settings,
                                        mail::Envelope& envelope) {
  return apply_all(text, settings, envelope, kMailParameters);
}

const FixedReply* apply_rcpt_parameters(std::string_view text, const ServerSettings& settings,
                                        mail::Recipient& recipient) {
  return apply_all(text, settings, recipient, kRcptParameters);
}

}  // namespace ringpost::smtp
