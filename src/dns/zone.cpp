#include "ringpost/dns/zone.hpp"

#include <span>
#include <string>

#include "record_reader.hpp"

namespace ringpost::dns {
namespace {

Name wildcard_below(const Name& parent) {
  static constexpr std::string_view kStar("\1*\0", 3);
  const auto star = Name::from_wire(std::as_bytes(std::span(kStar)));
  const auto name = star->under(parent);
  return name ? *name : Name();
}

Record negative_record(const Name& asked) {
  const Name apex = asked.parent();
  return {.owner = apex,
          .type = Type::soa,
          .ttl = Zone::kNegativeTtl,
          .data = Soa{.primary = apex, .mailbox = apex, .serial = 1, .minimum = Zone::kNegativeTtl}};
}

}  // namespace

void Zone::add(Record record) {
  for (Name name = record.owner; known_.insert(name).second && !name.is_root();) name = name.parent();
  records_[record.owner].push_back(std::move(record));
}

Result<void> Zone::add(std::string_view line) {
  add(RP_TRY(parse_record(line)));
  return {};
}

const std::vector<Record>* Zone::find(const Name& name) const {
  if (const auto own = records_.find(name); own != records_.end()) return &own->second;
  // RFC 4592 §3.3.1: the nearest name above that exists decides; a "*" further up does not reach past it.
  Name above = name;
  while (!known_.contains(above) && !above.is_root()) above = above.parent();
  if (above == name) return nullptr;
  const auto star = records_.find(wildcard_below(above));
  return star == records_.end() ? nullptr : &star->second;
}

Message Zone::respond(const Query& query) const {
  Message message{.query = query, .authoritative = true};
  Name name = query.question.name;
  for (std::size_t hops = 0; hops <= kCnameChainMax; ++hops) {
    const std::vector<Record>* records = find(name);
    const Record* alias = nullptr;
    const std::size_t before = message.answers.size();
    for (const Record& record : records != nullptr ? std::span(*records) : std::span<const Record>()) {
      if (record.type == query.question.type && message.answers.size() < kRecordsMax - 1) {
        message.answers.push_back(record);
        message.answers.back().owner = name;  // a wildcard answers in the name that was asked
      } else if (record.type == Type::cname) {
        alias = &record;
      }
    }
    if (message.answers.size() > before) return message;
    if (alias == nullptr) {
      if (records == nullptr && !known_.contains(name)) message.rcode = Rcode::nxdomain;
      message.authority.push_back(negative_record(name));
      return message;
    }
    message.answers.push_back(*alias);
    message.answers.back().owner = name;
    name = std::get<Target>(alias->data).name;
  }
  message.rcode = Rcode::servfail;
  message.answers.clear();
  return message;
}

}  // namespace ringpost::dns
