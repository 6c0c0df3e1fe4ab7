#include "ringpost/resolve/options.hpp"

#include "ringpost/base/option_table.hpp"
#include "ringpost/resolve/limits.hpp"

namespace ringpost::resolve {

Result<Endpoint> parse_server(std::string_view text) {
  constexpr std::uint16_t kDnsPort = 53;
  if (const auto address = parse_address(text)) return Endpoint{*address, kDnsPort};
  return parse_endpoint(text);
}

namespace {

std::optional<OptionComplaint> check_servers(const std::vector<std::string>& servers) {
  for (const std::string& server : servers) {
    const auto endpoint = parse_server(server);
    if (!endpoint || endpoint->port == 0)
      return OptionComplaint{"\"" + server + "\" is no name server",
                             "write \"127.0.0.1\" or \"127.0.0.1:5353\""};
  }
  return std::nullopt;
}

}  // namespace

const OptionTable& option_table(const ResolverOptions*) {
  static const OptionTable table = options_of<ResolverOptions>(
      "resolver", "Where names are looked up.",
      {
          field<&ResolverOptions::servers>(
              "servers",
              "Recursive name servers, \"ADDRESS\" or \"ADDRESS:PORT\"; none: those of resolv.conf.",
              items_at_most(kServersMax), checked(check_servers), example("[\"127.0.0.1\", \"[::1]:5353\"]"),
              needs_restart()),
          field<&ResolverOptions::timeout>(
              "timeout", "How long the first attempt at a server waits; each later one twice as long.",
              range(std::chrono::milliseconds(50), std::chrono::minutes(1)), needs_restart()),
          field<&ResolverOptions::attempts>("attempts", "How often each server is asked.", range(1, 10),
                                            needs_restart()),
          field<&ResolverOptions::cache_size>("cache_size", "What each core keeps of answers.",
                                              range(64_KiB, 4_GiB), needs_restart()),
          field<&ResolverOptions::hosts_file>(
              "hosts_file", "Names that need no DNS, in the form of /etc/hosts; \"\": none.",
              needs_restart()),
      });
  return table;
}

}  // namespace ringpost::resolve
