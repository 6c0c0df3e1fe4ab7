#include "ringpost/dns/answer.hpp"

#include <fmt/format.h>

namespace ringpost::dns {

std::string to_string(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::ns:
      return "NS";
    case Type::cname:
      return "CNAME";
    case Type::soa:
      return "SOA";
    case Type::ptr:
      return "PTR";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::tlsa:
      return "TLSA";
  }
  return fmt::format("TYPE{}", static_cast<unsigned>(type));
}

std::string to_string(const Question& question) {
  return fmt::format("{} {}", question.name.to_string(), to_string(question.type));
}

std::string_view to_string(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::nxdomain:
      return "no such domain";
    case Status::nodata:
      return "no record of that type";
    case Status::servfail:
      return "server failure";
    case Status::timeout:
      return "timeout";
    case Status::refused:
      return "refused";
  }
  return "unknown";
}

}  // namespace ringpost::dns
