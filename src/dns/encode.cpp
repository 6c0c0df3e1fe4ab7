// Writing: queries for the resolver, responses for who plays a server.
#include <algorithm>
#include <array>

#include "ringpost/base/assert.hpp"
#include "ringpost/dns/message.hpp"

#include "record_reader.hpp"

namespace ringpost::dns {
namespace {

class Writer {
 public:
  explicit Writer(std::size_t size_expected) { bytes_.reserve(size_expected); }

  void u8(unsigned value) { bytes_.push_back(static_cast<std::byte>(value)); }
  void u16(unsigned value) {
    u8(value >> 8);
    u8(value & 0xff);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  void octets(std::span<const std::byte> some) { bytes_.insert(bytes_.end(), some.begin(), some.end()); }
  void octets(std::string_view some) { octets(std::as_bytes(std::span(some))); }
  // Writes a pointer where the name is the one that the question, which follows the header, has.
  void name(const Name& name, const Name& question) {
    if (name == question && !name.is_root())
      u16(0xc000 | kHeaderBytes);
    else
      octets(name.wire());
  }
  std::size_t size() const { return bytes_.size(); }
  void patch_u16(std::size_t at, std::size_t value) {
    bytes_[at] = static_cast<std::byte>(value >> 8);
    bytes_[at + 1] = static_cast<std::byte>(value & 0xff);
  }
  void cut(std::size_t size) { bytes_.resize(size); }
  std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

void write_header(Writer& writer, const Header& header) {
  for (const std::uint16_t number :
       {header.id, header.flags, header.questions, header.answers, header.authorities, header.additionals})
    writer.u16(number);
}

void write_question(Writer& writer, const Question& question) {
  writer.octets(question.name.wire());
  writer.u16(static_cast<unsigned>(question.type));
  writer.u16(kClassInternet);
}

void write_data(Writer& writer, const IpAddress& address) {
  writer.octets(std::as_bytes(address.octets()));
}
void write_data(Writer& writer, const Target& target) {
  writer.octets(target.name.wire());
}
void write_data(Writer& writer, const Mx& mx) {
  writer.u16(mx.preference);
  writer.octets(mx.exchange.wire());
}
void write_data(Writer& writer, const Txt& txt) {
  constexpr std::size_t kStringBytesMax = 255;
  std::string_view rest = txt.text;
  do {
    const std::string_view part = rest.substr(0, kStringBytesMax);
    writer.u8(static_cast<unsigned>(part.size()));
    writer.octets(part);
    rest.remove_prefix(part.size());
  } while (!rest.empty());
}
void write_data(Writer& writer, const Soa& soa) {
  writer.octets(soa.primary.wire());
  writer.octets(soa.mailbox.wire());
  for (const std::uint32_t number : {soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum})
    writer.u32(number);
}
void write_data(Writer& writer, const Tlsa& tlsa) {
  for (const std::uint8_t number : {tlsa.usage, tlsa.selector, tlsa.matching}) writer.u8(number);
  writer.octets(tlsa.certificate);
}

void write_record(Writer& writer, const Record& record, const Name& question) {
  writer.name(record.owner, question);
  writer.u16(static_cast<unsigned>(record.type));
  writer.u16(kClassInternet);
  writer.u32(record.ttl);
  const std::size_t size_at = writer.size();
  writer.u16(0);
  std::visit([&](const auto& data) { write_data(writer, data); }, record.data);
  writer.patch_u16(size_at, writer.size() - size_at - 2);
}

void write_opt(Writer& writer) {
  writer.u8(0);  // the root
  writer.u16(kTypeOpt);
  writer.u16(kEdnsPayloadBytes);
  writer.u32(0);  // no extended rcode, version 0, no flags
  writer.u16(0);  // no options
}

std::uint16_t response_flags(const Message& message) {
  unsigned flags = Header::kResponse | Header::kRecursionAvailable | static_cast<unsigned>(message.rcode);
  if (message.query.recursion_desired) flags |= Header::kRecursionDesired;
  if (message.authoritative) flags |= Header::kAuthoritative;
  if (message.authentic) flags |= Header::kAuthentic;
  return static_cast<std::uint16_t>(flags);
}

}  // namespace

std::vector<std::byte> encode_query(std::uint16_t id, const Question& question, bool edns) {
  Writer writer(kHeaderBytes + question.name.wire().size() + 15);
  Header header{.id = id, .flags = Header::kRecursionDesired, .questions = 1};
  if (edns) {
    header.flags |= Header::kAuthentic;
    header.additionals = 1;
  }
  write_header(writer, header);
  write_question(writer, question);
  if (edns) write_opt(writer);
  return std::move(writer).take();
}

std::vector<std::byte> Message::encode(std::size_t bytes_max) const {
  RP_ASSERT(answers.size() + authority.size() <= kRecordsMax);
  Writer writer(kPlainPayloadBytes);
  const Header header{.id = query.id,
                      .flags = response_flags(*this),
                      .questions = 1,
                      .answers = static_cast<std::uint16_t>(answers.size()),
                      .authorities = static_cast<std::uint16_t>(authority.size())};
  write_header(writer, header);
  write_question(writer, query.question);
  const std::size_t records_at = writer.size();
  for (const auto* section : {&answers, &authority}) {
    for (const Record& record : *section) {
      write_record(writer, record, query.question.name);
      if (writer.size() <= std::min(bytes_max, kMessageBytesMax)) continue;
      writer.cut(records_at);
      writer.patch_u16(2, header.flags | Header::kTruncated);
      writer.patch_u16(6, 0);
      writer.patch_u16(8, 0);
      return std::move(writer).take();
    }
  }
  return std::move(writer).take();
}

}  // namespace ringpost::dns
