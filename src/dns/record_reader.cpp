#include "record_reader.hpp"

#include <memory>

#include <ldns/ldns.h>

#include "ringpost/dns/zone.hpp"

namespace ringpost::dns {
namespace {

struct FreeRecord {
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
};
using RecordHandle = std::unique_ptr<ldns_rr, FreeRecord>;

std::unexpected<Error> unreadable(std::string_view why) {
  return fail(ErrorKind::temporary, "unreadable DNS message: " + std::string(why));
}

// The octets of a field, without a promise that there are as many as the type wants.
std::span<const std::byte> field(const ldns_rr* record, std::size_t index) {
  const ldns_rdf* rdf = index < ldns_rr_rd_count(record) ? ldns_rr_rdf(record, index) : nullptr;
  if (rdf == nullptr) return {};
  return {reinterpret_cast<const std::byte*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf)};
}

// A name that ldns took and that is none for us: the message is bad, not the question.
Result<Name> read_name(std::span<const std::byte> octets) {
  auto name = Name::from_wire(octets);
  if (!name) return unreadable(name.error().text);
  return *std::move(name);
}

template <class Integer>
Result<Integer> integer_field(const ldns_rr* record, std::size_t index) {
  const auto octets = field(record, index);
  if (octets.size() != sizeof(Integer)) return unreadable("a number has another width than its type says");
  Integer value = 0;
  for (const std::byte octet : octets)
    value = static_cast<Integer>((std::uint64_t{value} << 8) | std::to_integer<std::uint64_t>(octet));
  return value;
}

Result<Data> read_address(const ldns_rr* record, std::size_t size) {
  const auto octets = field(record, 0);
  if (octets.size() != size) return unreadable("an address of the wrong length");
  const auto* raw = reinterpret_cast<const std::uint8_t*>(octets.data());
  if (size == 4) return IpAddress::ipv4(raw[0], raw[1], raw[2], raw[3]);
  return IpAddress::ipv6(std::span<const std::uint8_t, 16>(raw, 16));
}

Result<Data> read_mx(const ldns_rr* record) {
  Mx mx;
  mx.preference = RP_TRY(integer_field<std::uint16_t>(record, 0));
  mx.exchange = RP_TRY(read_name(field(record, 1)));
  return mx;
}

Result<Data> read_txt(const ldns_rr* record) {
  Txt txt;
  for (std::size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
    const auto octets = field(record, i);  // a character string with its length octet
    if (octets.empty() || std::to_integer<std::size_t>(octets[0]) + 1 != octets.size())
      return unreadable("a TXT string leaves its bounds");
    txt.text.append(reinterpret_cast<const char*>(octets.data()) + 1, octets.size() - 1);
  }
  return txt;
}

Result<Data> read_soa(const ldns_rr* record) {
  Soa soa;
  soa.primary = RP_TRY(read_name(field(record, 0)));
  soa.mailbox = RP_TRY(read_name(field(record, 1)));
  std::size_t index = 2;
  for (std::uint32_t* number : {&soa.serial, &soa.refresh, &soa.retry, &soa.expire, &soa.minimum})
    *number = RP_TRY(integer_field<std::uint32_t>(record, index++));
  return soa;
}

Result<Data> read_tlsa(const ldns_rr* record) {
  Tlsa tlsa;
  tlsa.usage = RP_TRY(integer_field<std::uint8_t>(record, 0));
  tlsa.selector = RP_TRY(integer_field<std::uint8_t>(record, 1));
  tlsa.matching = RP_TRY(integer_field<std::uint8_t>(record, 2));
  const auto octets = field(record, 3);
  tlsa.certificate.assign(reinterpret_cast<const char*>(octets.data()), octets.size());
  return tlsa;
}

Result<std::optional<Data>> read_data(const ldns_rr* record) {
  switch (static_cast<Type>(ldns_rr_get_type(record))) {
    case Type::a:
      return RP_TRY(read_address(record, 4));
    case Type::aaaa:
      return RP_TRY(read_address(record, 16));
    case Type::mx:
      return RP_TRY(read_mx(record));
    case Type::txt:
      return RP_TRY(read_txt(record));
    case Type::soa:
      return RP_TRY(read_soa(record));
    case Type::tlsa:
      return RP_TRY(read_tlsa(record));
    case Type::cname:
    case Type::ns:
    case Type::ptr:
      return Target{RP_TRY(read_name(field(record, 0)))};
  }
  return std::nullopt;
}

Result<RawRecord> convert(const ldns_rr* raw, bool question) {
  const ldns_rdf* owner = ldns_rr_owner(raw);
  RawRecord result;
  result.owner =
      RP_TRY(read_name({reinterpret_cast<const std::byte*>(ldns_rdf_data(owner)), ldns_rdf_size(owner)}));
  result.type = static_cast<std::uint16_t>(ldns_rr_get_type(raw));
  result.record_class = static_cast<std::uint16_t>(ldns_rr_get_class(raw));
  result.ttl = ldns_rr_ttl(raw);
  if (!question && result.record_class == kClassInternet) result.data = RP_TRY(read_data(raw));
  return result;
}

}  // namespace

Result<RecordReader> RecordReader::open(std::span<const std::byte> message) {
  if (message.size() < kHeaderBytes) return unreadable("it is shorter than a header");
  if (message.size() > kMessageBytesMax) return unreadable("it is longer than 65535 octets");
  RecordReader reader(message);
  std::size_t at = 0;
  for (std::uint16_t* number :
       {&reader.header_.id, &reader.header_.flags, &reader.header_.questions, &reader.header_.answers,
        &reader.header_.authorities, &reader.header_.additionals}) {
    *number = static_cast<std::uint16_t>((std::to_integer<unsigned>(message[at]) << 8) |
                                         std::to_integer<unsigned>(message[at + 1]));
    at += 2;
  }
  return reader;
}

Result<RawRecord> RecordReader::read(bool question) {
  ldns_rr* raw = nullptr;
  const ldns_status status =
      ldns_wire2rr(&raw, reinterpret_cast<const std::uint8_t*>(message_.data()), message_.size(), &at_,
                   question ? LDNS_SECTION_QUESTION : LDNS_SECTION_ANSWER);
  if (status != LDNS_STATUS_OK) return unreadable(ldns_get_errorstr_by_id(status));
  const RecordHandle record(raw);
  return convert(raw, question);
}

Result<Record> parse_record(std::string_view line) {
  constexpr std::uint32_t kTtlUnlessGiven = 3600;
  const std::string text(line);  // ldns wants its end marked
  ldns_rr* raw = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&raw, text.c_str(), kTtlUnlessGiven, nullptr, nullptr);
  if (status != LDNS_STATUS_OK)
    return fail(ErrorKind::permanent, "record \"" + text + "\": " + ldns_get_errorstr_by_id(status));
  const RecordHandle record(raw);
  RawRecord converted = RP_TRY(convert(raw, false));
  if (!converted.data)
    return fail(ErrorKind::permanent, "record \"" + text + "\": a type that is not read here");
  return Record{std::move(converted.owner), static_cast<Type>(converted.type), converted.ttl,
                std::move(*converted.data)};
}

}  // namespace ringpost::dns
