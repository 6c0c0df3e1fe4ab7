#include "field_values.hpp"

#include <algorithm>

#include "ringpost/base/address.hpp"
#include "ringpost/filter/relays.hpp"

#include "characters.hpp"
#include "decoded_text.hpp"
#include "field_addresses.hpp"

namespace ringpost::filter {

namespace {

struct Modifier {
  std::string_view word;
  bool HeaderRequest::* flag;
};
constexpr Modifier kModifiers[] = {
    {"raw", &HeaderRequest::raw},           {"addr", &HeaderRequest::address},
    {"name", &HeaderRequest::display_name}, {"host", &HeaderRequest::host},
    {"domain", &HeaderRequest::domain},     {"ip", &HeaderRequest::ip},
    {"revip", &HeaderRequest::reversed_ip}, {"first", &HeaderRequest::first},
    {"last", &HeaderRequest::last},
};

}  // namespace

bool is_pseudo_field(std::string_view name) {
  for (const std::string_view known : {"EnvelopeFrom", "X-Spam-Relays-Untrusted", "X-Spam-Relays-Trusted",
                                       "X-Spam-Relays-External", "X-Spam-Relays-Internal", "ToCc"})
    if (equal_nocase(name, known)) return true;
  return name.starts_with("ALL") || name == "MESSAGEID";
}

HeaderRequest HeaderRequest::parse(std::string_view text) {
  HeaderRequest request;
  request.name = text.substr(0, text.find(':'));
  while (text.size() > text.find(':')) {
    text.remove_prefix(text.find(':') + 1);
    const std::string_view word = text.substr(0, text.find(':'));
    for (const Modifier& modifier : kModifiers)
      if (modifier.word == word) request.*modifier.flag = true;
  }
  request.host |= request.domain;
  request.ip |= request.reversed_ip;
  request.key = to_string(request);
  request.pseudo = is_pseudo_field(request.name);
  request.key_hash = std::hash<std::string_view>{}(request.key);
  request.name_hash = HeaderFields::hash_of(request.name);
  return request;
}

std::string to_string(const HeaderRequest& request) {
  std::string text = request.name;
  for (const Modifier& modifier : kModifiers)
    if (request.*modifier.flag) text += ":" + std::string(modifier.word);
  return text;
}

namespace {

std::vector<std::string> values_of(const HeaderFields& fields, std::string_view name, bool raw) {
  std::vector<std::string> values;
  fields.each_named(name, [&](const Field& field) {
    std::string& value = values.emplace_back();
    value = raw ? field.raw() : field.decoded_line();
  });
  return values;
}

// Raw values of a pseudo-field are unfolded all the same.
void append_unfolded(const HeaderFields& fields, std::string_view name, bool raw,
                     std::vector<std::string>& values) {
  for (std::string& value : values_of(fields, name, raw)) {
    std::string line;
    for (std::size_t at = 0; at < value.size();) {
      const bool fold = value[at] == '\n' && at + 1 < value.size() && is_space(value[at + 1]);
      if (!fold) {
        line += value[at++];
        continue;
      }
      while (at < value.size() && is_space(value[at])) ++at;
      line += ' ';
    }
    values.push_back(std::move(line));
  }
}

// The fields above (`from_top`) or below the Received field number `index`, that one included.
std::span<const std::string_view> fields_by_trust(std::span<const std::string_view> fields,
                                                  std::ptrdiff_t index, bool from_top) {
  if (index < 0) return from_top ? std::span<const std::string_view>{} : fields;
  std::ptrdiff_t received = -1;
  for (std::size_t at = 0; at < fields.size(); ++at) {
    if (!starts_nocase(fields[at], "received:") || ++received < index) continue;
    return from_top ? fields.first(at + 1) : fields.subspan(at);
  }
  return from_top ? fields : std::span<const std::string_view>{};
}

std::vector<std::string> fields_or_pseudo(const MessageView& view, const MessageText& text,
                                          const HeaderRequest& request) {
  const auto is = [&](std::string_view name) { return equal_nocase(request.name, name); };
  if (is("EnvelopeFrom")) {
    const auto from = view.envelope_from();
    return from ? std::vector{std::string(*from)} : std::vector<std::string>{};
  }
  if (is("X-Spam-Relays-Untrusted")) return {view.relays().untrusted_text};
  if (is("X-Spam-Relays-Trusted")) return {view.relays().trusted_text};
  if (is("X-Spam-Relays-External")) return {view.relays().external_text};
  if (is("X-Spam-Relays-Internal")) return {view.relays().internal_text};
  std::vector<std::string> values;
  if (is("ToCc")) {
    for (const std::string_view name : {"To", "Cc"}) append_unfolded(text.fields, name, request.raw, values);
  } else if (request.name == "MESSAGEID") {
    for (const std::string_view name :
         {"X-Message-Id", "Resent-Message-Id", "X-Original-Message-ID", "Message-Id"})
      append_unfolded(text.fields, name, request.raw, values);
  } else {
    values = values_of(text.fields, request.name, request.raw || request.address || request.display_name);
  }
  return values;
}

std::string readable_name(const HeaderRequest& request, const std::string& phrase) {
  if (request.raw) return phrase;
  const std::string decoded = decode_words(request.name, phrase);
  if (is_blank_line(decoded)) return decoded;
  std::string name;
  for (const char c : trim(decoded))
    if (!is_space(c))
      name += c;
    else if (name.back() != ' ')
      name += ' ';
  if (name.size() > 1 && name.front() == '\'' && name.back() == '\'') name = name.substr(1, name.size() - 2);
  return name;
}

std::vector<std::string> addresses_or_names(const HeaderRequest& request,
                                            const std::vector<std::string>& values) {
  std::vector<std::string> out;
  for (const std::string& value : values)
    for (const FieldAddress& one : parse_field_addresses(value)) {
      if (request.address) {
        if (one.address) out.push_back(*one.address);
      } else if (one.phrase) {
        out.push_back(readable_name(request, *one.phrase));
      }
    }
  return out;
}

// The host behind the last '@', or the first thing that looks like one.
std::string find_host(std::string_view value, bool address, const RegistrarBoundaries& registrars) {
  const auto in_host = [](char c) { return !is_space(c); };
  const auto run = [&](std::string_view text) {
    std::size_t size = 0;
    while (size < text.size() && in_host(text[size])) ++size;
    return text.substr(0, size);
  };
  const std::size_t sign = value.rfind('@');
  if (address) return sign == kNowhere ? std::string{} : std::string(run(value.substr(sign + 1)));
  const auto as_host = [&](std::string_view text) -> std::string {
    std::size_t size = 0;
    while (size < text.size() && (is_alnum(text[size]) || text[size] == '.' || text[size] == '-' ||
                                  text[size] == '_' || is_eight_bit(text[size])))
      ++size;
    const std::string host = canonical_host(text.substr(0, size));
    return is_valid_fqdn(host) && registrars.is_valid_domain(host) ? std::string(text.substr(0, size))
                                                                   : std::string{};
  };
  if (sign != kNowhere)
    if (std::string host = as_host(value.substr(sign + 1)); !host.empty()) return host;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const bool begins = is_alnum(value[at]) &&
                        (at == 0 || (!is_alnum(value[at - 1]) && !contains("._-", value.substr(at - 1, 1))));
    if (!begins) continue;
    if (std::string host = as_host(value.substr(at)); !host.empty()) return host;
  }
  return {};
}

std::string reversed(std::string_view ip) {
  const auto address = parse_address(ip);
  if (!address) return {};
  std::string out;
  if (address->is_ipv4()) {
    for (std::size_t i = 4; i-- > 0;) out += std::to_string(address->octets()[i]) + (i > 0 ? "." : "");
    return out;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = 16; i-- > 0;) {
    const unsigned octet = address->octets()[i];
    out += kDigits[octet & 15U];
    out += '.';
    out += kDigits[octet >> 4U];
    if (i > 0) out += '.';
  }
  return out;
}

// The first address with no letter, digit, colon or dot at either end.
AddressPlace find_lone_address(std::string_view text) {
  for (AddressPlace place = find_ip_address(text); place.size > 0;
       place = find_ip_address(text, place.begin + place.size)) {
    const std::size_t end = place.begin + place.size;
    const auto is_dot = [&](std::size_t at) { return at < text.size() && text[at] == '.'; };
    const bool begins = is_word(text[place.begin]) && (place.begin == 0 || !is_dot(place.begin - 1));
    if (begins && is_word(text[end - 1]) && !is_dot(end)) return place;
  }
  return {};
}

std::vector<std::string> hosts_or_addresses(const MessageView& view, const HeaderRequest& request,
                                            const std::vector<std::string>& values) {
  const RegistrarBoundaries& registrars = view.settings().registrars;
  std::vector<std::string> out;
  for (const std::string& value : values) {
    std::string found;
    if (request.host) {
      found = find_host(value, request.address, registrars);
      if (request.domain && !found.empty()) found = registrars.trim_domain(found);
    } else {
      const AddressPlace place = find_lone_address(value);
      found = value.substr(std::min(place.begin, value.size()), place.size);
      if (request.reversed_ip) found = reversed(found);
    }
    if (!found.empty()) out.push_back(std::move(found));
  }
  return out;
}

}  // namespace

std::optional<std::span<const std::string_view>> all_fields(const MessageView& view,
                                                            const HeaderRequest& request) {
  if (request.name == "ALL") return view.all_fields(request.raw);
  const bool trust = request.name == "ALL-TRUSTED" || request.name == "ALL-UNTRUSTED";
  const bool from_top = request.name == "ALL-TRUSTED" || request.name == "ALL-INTERNAL";
  if (!trust && !from_top && request.name != "ALL-EXTERNAL") return std::nullopt;
  const auto index = trust ? view.relays().last_trusted_index : view.relays().last_internal_index;
  return fields_by_trust(view.all_fields(request.raw), index + 1, from_top);
}

std::string joined_fields(const HeaderFields& fields, const HeaderRequest& request) {
  std::string joined;
  bool first = true, with_newlines = true;  // the first has one; only a raw one may not
  fields.each_named(request.name, [&](const Field& field) {
    const std::string_view value = request.raw ? field.raw() : field.decoded_line();
    if (first) with_newlines = value.ends_with('\n');
    if (!first && !with_newlines) joined += '\n';
    first = false;
    joined += value;
  });
  return joined;
}

std::vector<std::string> field_values(const MessageView& view, const MessageText& text,
                                      const HeaderRequest& request) {
  if (const auto fields = all_fields(view, request)) return {fields->begin(), fields->end()};
  std::vector<std::string> values = fields_or_pseudo(view, text, request);
  if (values.empty()) return values;
  if (request.first)
    values.resize(1);
  else if (request.last)
    values.erase(values.begin(), values.end() - 1);
  if (request.address || request.display_name) values = addresses_or_names(request, values);
  if (request.host || request.ip) values = hosts_or_addresses(view, request, values);
  return values;
}

namespace {

std::optional<std::string> first_value(const MessageView& view, std::string_view request) {
  std::vector<std::string> values = view.header_values(request);
  return values.empty() ? std::nullopt : std::optional(std::move(values.front()));
}

// A field that stands below a Received field was not added by the last server.
bool stands_below_received(const MessageView& view, std::string_view name) {
  bool received = false;
  for (const std::string_view field : view.all_fields(false)) {
    received |= starts_nocase(field, "received:");
    if (received && starts_nocase(field, std::string(name) + ":")) return true;
  }
  return false;
}

bool looks_like_sender(const std::string& address) {
  return address.empty() || (address.find('@') != std::string::npos && address.front() != '@');
}

}  // namespace

std::optional<std::string> find_envelope_from(const MessageView& view) {
  if (const std::string& header = view.settings().envelope_sender_header; !header.empty()) {
    auto from = first_value(view, header + ":first:addr");
    return from && looks_like_sender(*from) ? from : std::nullopt;
  }
  const RelayChain& relays = view.relays();
  const Relay* last_hop = !relays.untrusted.empty() ? &relays.untrusted.front()
                          : !relays.trusted.empty() ? &relays.trusted.back()
                                                    : nullptr;
  if (last_hop != nullptr && last_hop->envelope_from && looks_like_sender(*last_hop->envelope_from))
    return last_hop->envelope_from;
  // A mailbox that was fetched says nothing of the envelope.
  if (const auto sender = first_value(view, "X-Sender:first:addr"); sender && contains(*sender, "@"))
    for (const std::string& received : view.header_values("Received"))
      if (contains(received, "(fetchmail")) return std::nullopt;
  if (auto from = first_value(view, "X-Envelope-From:first:addr"))
    return stands_below_received(view, "X-Envelope-From") ? std::nullopt : from;
  for (const std::string name : {"Envelope-Sender", "Return-Path"})
    if (auto from = first_value(view, name + ":first:addr"); from && !stands_below_received(view, name))
      return from;
  return std::nullopt;
}

}  // namespace ringpost::filter
