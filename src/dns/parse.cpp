// Reading: responses into answers, queries into questions.
#include <algorithm>
#include <chrono>

#include "ringpost/dns/message.hpp"

#include "record_reader.hpp"

namespace ringpost::dns {
namespace {

std::unexpected<Error> not_ours(std::string_view why) {
  return fail(ErrorKind::temporary, "DNS response: " + std::string(why));
}

// RFC 2181 §8: a TTL with its highest bit set counts as zero.
std::uint32_t sane_ttl(std::uint32_t ttl) {
  return (ttl & 0x8000'0000U) != 0 ? 0 : ttl;
}

Status status_of(Rcode rcode) {
  if (rcode == Rcode::refused) return Status::refused;
  return Status::servfail;
}

Result<std::vector<RawRecord>> read_section(RecordReader& reader, std::size_t count) {
  std::vector<RawRecord> records;
  records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) records.push_back(RP_TRY(reader.record()));
  return records;
}

// RFC 1035 does not forbid a failing server to leave the question out, and some do.
Result<void> check_question(RecordReader& reader, const Question& asked) {
  const Header& header = reader.header();
  if (!header.has(Header::kResponse)) return not_ours("it is a query");
  if ((header.flags & Header::kOpcode) != 0) return not_ours("it is no response to a standard query");
  const bool failed = header.rcode() != Rcode::ok && header.rcode() != Rcode::nxdomain;
  if (header.questions == 0 && failed) return {};
  if (header.questions != 1) return not_ours("it does not repeat one question");
  const RawRecord question = RP_TRY(reader.question());
  if (question.owner != asked.name || question.type != static_cast<std::uint16_t>(asked.type) ||
      question.record_class != kClassInternet)
    return not_ours("it answers another question");
  return {};
}

const RawRecord* find(std::span<const RawRecord> records, const Name& owner, Type type) {
  const auto found = std::ranges::find_if(records, [&](const RawRecord& record) {
    return record.data && record.type == static_cast<std::uint16_t>(type) && record.owner == owner;
  });
  return found == records.end() ? nullptr : &*found;
}

struct Chain {
  Name end;
  std::uint32_t ttl = 0x7fff'ffff;
};

// Follows the aliases from the asked name. nullopt: they never end.
std::optional<Chain> follow(std::span<const RawRecord> answers, const Question& asked) {
  Chain chain{.end = asked.name};
  if (asked.type == Type::cname) return chain;
  for (std::size_t hops = 0; hops <= kCnameChainMax; ++hops) {
    const RawRecord* alias = find(answers, chain.end, Type::cname);
    if (alias == nullptr) return chain;
    chain.ttl = std::min(chain.ttl, sane_ttl(alias->ttl));
    chain.end = std::get<Target>(*alias->data).name;
  }
  return std::nullopt;
}

// "There is none", for as long as the SOA says; without SOA not to be kept. A list of name servers without
// SOA is a referral (RFC 2308 §2.2): this server does not know, and a recursive one should have asked.
void conclude_negative(Answer& answer, const Header& header, std::span<const RawRecord> authority,
                       std::uint32_t chain_ttl) {
  answer.status = header.rcode() == Rcode::nxdomain ? Status::nxdomain : Status::nodata;
  const auto of_type = [&](Type type) {
    return std::ranges::find_if(authority, [&](const RawRecord& record) {
      return record.data && record.type == static_cast<std::uint16_t>(type);
    });
  };
  if (const auto soa = of_type(Type::soa); soa != authority.end()) {
    const std::uint32_t minimum = sane_ttl(std::get<Soa>(*soa->data).minimum);
    answer.ttl = std::chrono::seconds(std::min({chain_ttl, sane_ttl(soa->ttl), minimum}));
  } else if (answer.status == Status::nodata && !header.has(Header::kAuthoritative) &&
             of_type(Type::ns) != authority.end()) {
    answer = Answer::failure(Status::servfail);
  }
}

Answer conclude(const Question& asked, const Header& header, std::span<RawRecord> answers,
                std::span<const RawRecord> authority) {
  const auto chain = follow(answers, asked);
  if (!chain) return Answer::failure(Status::servfail);
  Answer answer{.authentic = header.has(Header::kAuthentic), .canonical = chain->end};
  std::uint32_t ttl = chain->ttl;
  for (RawRecord& record : answers) {
    if (!record.data || record.type != static_cast<std::uint16_t>(asked.type) || record.owner != chain->end)
      continue;
    ttl = std::min(ttl, sane_ttl(record.ttl));
    answer.records.push_back(std::move(*record.data));
  }
  if (answer.records.empty()) {
    conclude_negative(answer, header, authority, ttl);
    return answer;
  }
  // Records for a name that does not exist: the server contradicts itself.
  if (header.rcode() == Rcode::nxdomain) return Answer::failure(Status::servfail);
  answer.status = Status::ok;
  answer.ttl = std::chrono::seconds(ttl);
  return answer;
}

}  // namespace

Result<Answer> parse_message(std::span<const std::byte> message, const Question& asked) {
  RecordReader reader = RP_TRY(RecordReader::open(message));
  const Header& header = reader.header();
  RP_CHECK(check_question(reader, asked));
  if (header.rcode() != Rcode::ok && header.rcode() != Rcode::nxdomain)
    return Answer::failure(status_of(header.rcode()));
  // Whoever brings us messages has tried TCP by now; a part of a set is worse than none.
  if (header.has(Header::kTruncated)) return Answer::failure(Status::servfail);
  if (std::size_t{header.answers} + header.authorities > kRecordsMax)
    return not_ours("it has too many records");
  std::vector<RawRecord> answers = RP_TRY(read_section(reader, header.answers));
  const std::vector<RawRecord> authority = RP_TRY(read_section(reader, header.authorities));
  return conclude(asked, header, answers, authority);
}

Result<Query> parse_query(std::span<const std::byte> message) {
  RecordReader reader = RP_TRY(RecordReader::open(message));
  const Header& header = reader.header();
  if (header.has(Header::kResponse) || (header.flags & Header::kOpcode) != 0 || header.questions != 1 ||
      header.answers != 0 || header.authorities != 0 || header.additionals > 2)
    return fail(ErrorKind::permanent, "not a standard DNS query");
  RawRecord question = RP_TRY(reader.question());
  if (question.record_class != kClassInternet)
    return fail(ErrorKind::permanent, "a question of another class than IN");
  Query query{.id = header.id,
              .question = {std::move(question.owner), static_cast<Type>(question.type)},
              .recursion_desired = header.has(Header::kRecursionDesired)};
  for (std::size_t i = 0; i < header.additionals; ++i) {
    const RawRecord additional = RP_TRY(reader.record());
    if (additional.type ==
        kTypeOpt)  // its class is the payload size (RFC 6891 §6.1.2), never below the plain one
      query.payload_bytes_max = std::max<std::size_t>(additional.record_class, kPlainPayloadBytes);
  }
  return query;
}

std::optional<std::vector<std::byte>> refuse_query(std::span<const std::byte> message) {
  if (message.size() < kHeaderBytes) return std::nullopt;
  const auto word = [&](std::size_t at) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(message[at]) << 8U |
                                      std::to_integer<unsigned>(message[at + 1]));
  };
  const std::uint16_t flags = word(2);
  // A response to a response would be answered too, for ever.
  if ((flags & Header::kResponse) != 0) return std::nullopt;
  Rcode code = Rcode::format_error;
  if ((flags & Header::kOpcode) != 0) {
    code = Rcode::not_implemented;
  } else if (auto reader = RecordReader::open(message); reader && reader->header().questions == 1) {
    const auto question = reader->question();
    if (question && question->record_class != kClassInternet) code = Rcode::refused;
  }
  const auto said =
      static_cast<std::uint16_t>(Header::kResponse | (flags & (Header::kOpcode | Header::kRecursionDesired)) |
                                 static_cast<unsigned>(code));
  // The header alone: what could not be read is not repeated.
  std::vector<std::byte> response(kHeaderBytes);
  response[0] = message[0];
  response[1] = message[1];
  response[2] = static_cast<std::byte>(said >> 8U);
  response[3] = static_cast<std::byte>(said & 0xFFU);
  return response;
}

}  // namespace ringpost::dns
