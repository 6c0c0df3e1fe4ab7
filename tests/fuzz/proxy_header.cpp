// The PROXY header: the verdict on a prefix holds for whatever follows, and there is an end to waiting.
#include "ringpost/net/limits.hpp"
#include "ringpost/net/proxy_protocol.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;
using net::ProxyVerdict;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const fuzz::Exact whole(text);
  const net::ProxyHeader header = net::parse_proxy_header(whole.bytes());
  RP_ASSERT(header.verdict != ProxyVerdict::incomplete || size < net::kProxyHeaderBytesMax);
  RP_ASSERT(header.verdict != ProxyVerdict::complete || (header.size > 0 && header.size <= size));
  RP_ASSERT(header.verdict == ProxyVerdict::complete || !header.client);
  bool decided = false;
  for (std::size_t length = 0; length <= std::min<std::size_t>(size, 600); ++length) {
    const fuzz::Exact prefix(text.substr(0, length));
    const net::ProxyHeader early = net::parse_proxy_header(prefix.bytes());
    RP_ASSERT(!decided || early.verdict != ProxyVerdict::incomplete);
    decided = early.verdict != ProxyVerdict::incomplete;
    if (!decided) continue;
    RP_ASSERT(early.verdict == header.verdict && early.size == header.size);
    RP_ASSERT(early.client == header.client);
  }
  return 0;
}
