// OAUTHBEARER (RFC 7628) and XOAUTH2: a token of somebody else's login service, sent as it is.
//
// Both send key=value pairs, each ended by ^A, and one more ^A at the end; OAUTHBEARER has a GS2 header before them. A token
// that is refused is answered with a challenge that says so in JSON; the client answers with anything, and then it is over.
#include <algorithm>

#include "ringpost/crypto/secret.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/sasl/limits.hpp"

#include "exchanges.hpp"
#include "scram.hpp"

namespace ringpost::sasl {
namespace {

constexpr char kSeparator = '\x01';
constexpr std::string_view kScheme = "Bearer ";

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

class BearerServer final : public ServerExchange {
 public:
  explicit BearerServer(bool standard) : standard_(standard) { credentials_.evidence = Evidence::token; }

  Step start(std::optional<std::string_view> initial) override {
    if (initial) return answer(*initial);
    challenge_ = {};
    return Step::challenge;
  }

  Step answer(std::string_view message) override {
    if (failed_) return Step::refused;
    if (message.size() > kMessageBytesMax) return Step::malformed;
    if (standard_ && !read_header(message)) return Step::malformed;
    return read_pairs(message) ? Step::verify : Step::malformed;
  }

  Step verdict(bool verified) override {
    if (ServerExchange::verdict(verified) == Step::accepted) return Step::accepted;
    failed_ = true;
    challenge_ = standard_ ? R"({"status":"invalid_token","scope":""})"
                           : R"({"status":"401","schemes":"bearer","scope":""})";
    return Step::challenge;
  }

 private:
  // ("n" | "y") "," ["a=" name] "," ^A; there is nothing that a binding could be bound to.
  bool read_header(std::string_view& rest) {
    if (!rest.starts_with("n,") && !rest.starts_with("y,")) return false;
    rest.remove_prefix(2);
    if (const auto name = take_attribute('a', rest)) {
      const auto decoded = decode_name(*name);
      if (!decoded || !is_name(*decoded)) return false;
      credentials_.authorization_id = *decoded;
    } else if (rest.starts_with(',')) {
      rest.remove_prefix(1);
    } else {
      return false;
    }
    if (!rest.starts_with(kSeparator)) return false;
    rest.remove_prefix(1);
    return true;
  }

  bool read_pairs(std::string_view rest) {
    while (!rest.empty() && rest.front() != kSeparator) {
      const std::size_t end = rest.find(kSeparator);
      if (end == std::string_view::npos) return false;
      const std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || equals == 0) return false;
      if (!read_pair(pair.substr(0, equals), pair.substr(equals + 1))) return false;
    }
    const bool named = standard_ || !credentials_.authentication_id.empty();
    return rest.size() == 1 && named && !credentials_.password.empty();
  }

  // Host and port of OAUTHBEARER are what the client thinks of us: nothing depends on them.
  bool read_pair(std::string_view key, std::string_view value) {
    if (key == "user" && !standard_) {
      if (!is_name(value)) return false;
      credentials_.authentication_id = value;
    }
    if (key != "auth") return true;
    if (!mail::equal_ignoring_case(value.substr(0, kScheme.size()), kScheme)) return false;
    value.remove_prefix(kScheme.size());
    if (value.empty() || !std::ranges::all_of(value, is_token_character)) return false;
    credentials_.password = Secret(value);
    return true;
  }

  bool standard_;
  bool failed_ = false;
};

class BearerClient final : public ClientExchange {
 public:
  BearerClient(const Credentials& credentials, bool standard)
      : credentials_(credentials), standard_(standard) {}

  std::optional<Secret> initial() override {
    sent_ = true;
    std::string message;
    message.reserve(credentials_.authentication_id.size() * 3 + credentials_.password.view().size() + 64);
    if (standard_)
      message.append("n,a=").append(encode_name(credentials_.authentication_id)).append(",");
    else
      message.append("user=").append(credentials_.authentication_id);
    message += kSeparator;
    message.append("auth=").append(kScheme).append(credentials_.password.view());
    message += kSeparator;
    message += kSeparator;
    Secret secret(message);
    crypto::wipe(message);
    return secret;
  }

  // The challenge behind our message is the server's error; it wants one more word before it says no.
  std::optional<Secret> answer(std::string_view challenge) override {
    if (!sent_) return challenge.empty() ? initial() : std::nullopt;
    if (failed_) return std::nullopt;
    failed_ = true;
    return standard_ ? Secret(std::string_view(&kSeparator, 1)) : Secret();
  }

 private:
  const Credentials& credentials_;
  bool standard_;
  bool sent_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<ServerExchange> make_oauthbearer_server() {
  return std::make_unique<BearerServer>(true);
}
std::unique_ptr<ServerExchange> make_xoauth2_server() {
  return std::make_unique<BearerServer>(false);
}
std::unique_ptr<ClientExchange> make_oauthbearer_client(const Credentials& credentials, const Material&) {
  return std::make_unique<BearerClient>(credentials, true);
}
std::unique_ptr<ClientExchange> make_xoauth2_client(const Credentials& credentials, const Material&) {
  return std::make_unique<BearerClient>(credentials, false);
}

}  // namespace ringpost::sasl
