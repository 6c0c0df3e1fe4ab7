#include "mime_header.hpp"

#include <algorithm>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/mail/mime.hpp"

#include "address_list.hpp"
#include "ascii.hpp"

namespace ringpost::mail {

namespace {

// In the order of MimeHeader::Field.
constexpr std::array<std::string_view, 19> kNames{"Date",
                                                  "Subject",
                                                  "In-Reply-To",
                                                  "Message-ID",
                                                  "References",
                                                  "From",
                                                  "Sender",
                                                  "Reply-To",
                                                  "To",
                                                  "Cc",
                                                  "Bcc",
                                                  "Content-Type",
                                                  "Content-Transfer-Encoding",
                                                  "Content-ID",
                                                  "Content-Description",
                                                  "Content-MD5",
                                                  "Content-Disposition",
                                                  "Content-Language",
                                                  "Content-Location"};

struct OwnedAddress {
  RawAddress::Kind kind = RawAddress::Kind::mailbox;
  std::string display_name;
  std::string route;
  std::string local_part;
  std::string domain;
};

// The last '@' that no quote holds.
std::size_t find_at(std::string_view spec) {
  std::size_t found = std::string_view::npos;
  for (std::size_t i = 0; i < spec.size();) {
    if (spec[i] == '@') found = i;
    i += spec[i] == '"' ? quoted_size(spec, i) : 1;
  }
  return found;
}

// Addresses for ENVELOPE: whatever stands there is shown.
class RawList {
 public:
  void entry(std::string_view words, std::optional<std::string_view> angle, std::string_view comment) {
    std::string spec = without_obsolete_blanks(angle ? *angle : words);
    if (spec.empty() && !angle) return;
    OwnedAddress address;
    address.display_name = phrase_text(angle ? words : comment);
    const std::size_t colon = spec.find(':');
    if (spec.starts_with('@') && colon != std::string::npos) {
      address.route = spec.substr(0, colon);
      spec.erase(0, colon + 1);
    }
    const std::size_t at = find_at(spec);
    address.local_part = unquote_local_part(std::string_view(spec).substr(0, at));
    if (at != std::string_view::npos) address.domain = spec.substr(at + 1);
    addresses.push_back(std::move(address));
  }
  void group_begin(std::string_view words) {
    addresses.push_back({RawAddress::Kind::group_begin, {}, {}, phrase_text(words), {}});
  }
  void group_end() { addresses.push_back({.kind = RawAddress::Kind::group_end}); }
  bool full() const { return addresses.size() >= kHeaderAddressesMax; }

  std::vector<OwnedAddress> addresses;
};

void write_addresses(const std::optional<std::string>& value, mime_record::Writer& out) {
  RawList list;
  if (value) AddressListReader(*value, list).read();
  constexpr std::size_t kAddressOverhead = 5;
  while (!list.addresses.empty() && !out.charge(list.addresses.size() * kAddressOverhead))
    list.addresses.resize(list.addresses.size() / 2);
  out.number(list.addresses.size());
  for (const OwnedAddress& address : list.addresses) {
    out.number(static_cast<std::uint8_t>(address.kind));
    for (const std::string* text :
         {&address.display_name, &address.route, &address.local_part, &address.domain})
      out.text(*text);
  }
}

void write_parameters(const std::vector<OwnedParameter>& parameters, mime_record::Writer& out) {
  out.number(parameters.size());
  for (const OwnedParameter& parameter : parameters) {
    out.text(parameter.name);
    out.text(parameter.value);
    out.number(parameter.extended ? 1 : 0);
  }
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

MimeHeader::Field MimeHeader::find(std::string_view name) {
  static_assert(kNames.size() == kFieldCount);
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i].size() == name.size() && equal_ignoring_case(kNames[i], name)) return static_cast<Field>(i);
  return none;
}

void MimeHeader::line(std::string_view line) {
  line = without_line_end(line);
  if (!line.empty() && is_blank(line.front())) return append(line);
  const std::size_t colon = line.find(':');
  current_ = none;
  if (colon == std::string_view::npos) return;
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  begin(name, line.substr(colon + 1));
}

// The first of a kind counts; lists of addresses and references are put together.
void MimeHeader::begin(std::string_view name, std::string_view value) {
  const Field field = find(name);
  if (field == none) return;
  const bool first = !values_[field];
  if (!first && (field < from || field > bcc)) return;
  current_ = field;
  if (first) {
    values_[field].emplace();
  } else {
    append(", ");
  }
  append(value);
}

void MimeHeader::append(std::string_view text) {
  if (current_ == none) return;
  std::string& value = *values_[current_];
  text = text.substr(0, kMimeFieldBytesMax - std::min(kMimeFieldBytesMax, value.size()));
  for (const char c : text)
    if (c != '\0' && c != '\r') value += c;
}

std::optional<std::string> MimeHeader::value(Field field) const {
  if (!values_[field]) return std::nullopt;
  return std::string(trim(*values_[field]));
}

const ParameterField& MimeHeader::content_type_field(bool in_digest) {
  if (type_) return *type_;
  type_.emplace();
  if (values_[content_type]) *type_ = parse_parameter_field(*values_[content_type]);
  // RFC 2045 section 5.2: none, or one that cannot be read, is text/plain; charset=us-ascii.
  if (split_media_type(type_->value).type.empty()) {
    if (in_digest && !values_[content_type])
      *type_ = {"message/rfc822", {}};
    else
      *type_ = {"text/plain", {{"charset", "us-ascii", false}}};
  }
  return *type_;
}

MimeHeader::Type MimeHeader::type(bool in_digest) {
  const ParameterField& field = content_type_field(in_digest);
  const MediaType media = split_media_type(field.value);
  Type found;
  found.type = lower(media.type) + '/' + lower(media.subtype);
  found.multipart = found.type.starts_with("multipart/");
  found.digest = found.type == "multipart/digest";
  found.message = found.type == "message/rfc822" || found.type == "message/global";
  if (found.multipart) {
    if (const std::string* boundary = field.find("boundary")) found.boundary = trim(*boundary);
    found.boundary.resize(std::min(found.boundary.size(), kMimeBoundaryBytesMax));
  }
  return found;
}

void MimeHeader::write_part(bool in_digest, bool opaque, mime_record::Writer& out) {
  const ParameterField& field = content_type_field(in_digest);
  const MediaType media = split_media_type(field.value);
  out.text(opaque ? "application" : media.type);
  out.text(opaque ? "octet-stream" : media.subtype);
  write_parameters(field.parameters, out);
  out.optional(value(content_id));
  out.optional(value(content_description));
  std::optional<std::string> encoding;
  if (values_[content_encoding]) encoding = without_comments(*values_[content_encoding]);
  if (encoding && encoding->empty()) encoding.reset();
  out.optional(encoding);
  out.optional(value(content_md5));
  ParameterField disposition;
  if (values_[content_disposition]) disposition = parse_parameter_field(*values_[content_disposition]);
  out.optional(disposition.value.empty() ? std::nullopt : std::optional(disposition.value));
  write_parameters(disposition.parameters, out);
  std::vector<std::string> languages;
  if (values_[content_language]) languages = parse_token_list(*values_[content_language]);
  out.number(languages.size());
  for (const std::string& language : languages) out.text(language);
  out.optional(value(content_location));
}

void MimeHeader::write_envelope(mime_record::Writer& out) const {
  for (const Field field : {date, subject, in_reply_to, message_id, references}) out.optional(value(field));
  for (const Field field : {from, sender, reply_to, to, cc, bcc}) write_addresses(values_[field], out);
}

}  // namespace ringpost::mail
