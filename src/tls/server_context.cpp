#include "ringpost/tls/server_context.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/crypto/certificate.hpp"

#include "engine.hpp"
#include "identity.hpp"

namespace ringpost::tls {

struct ServerContext::State {
  Engine engine;
  std::shared_ptr<const LoadedIdentities> identities;
  std::shared_ptr<const TicketKeys> keys;
  Versions versions;

  static Result<std::shared_ptr<const State>> make(std::shared_ptr<const LoadedIdentities> identities,
                                                   std::shared_ptr<const TicketKeys> keys, Versions versions);
  Result<void> set_up();
};

namespace {

// Runs for every full handshake, after the client has named a host. The main certificate stands in the context.
int choose_identity(SSL* ssl, void* identities) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return 1;
  const LoadedIdentity* chosen = static_cast<const LoadedIdentities*>(identities)->find(name);
  if (chosen == nullptr) return 1;
  // Clears first: else an RSA main certificate would stay beside a chosen EC one, and could be sent in its place.
  SSL_certs_clear(ssl);
  return SSL_use_cert_and_key(ssl, chosen->certificate.get(), chosen->key.get(), chosen->issuers.get(), 1);
}

int acknowledge_name(SSL*, int*, void*) {
  return SSL_TLSEXT_ERR_OK;
}

int use_key(const TicketKeys::Key& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
            int sealing) {
  auto* mac_key = const_cast<std::byte*>(key.mac.data());  // OSSL_PARAM knows no const; the key is only read
  std::array<char, 7> digest{"SHA256"};
  const std::array parameters{OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, key.mac.size()),
                              OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                              OSSL_PARAM_construct_end()};
  if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr,
                        reinterpret_cast<const unsigned char*>(key.cipher.data()), iv, sealing) != 1)
    return -1;
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1 ? 1 : -1;
}

int seal_ticket(const TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac) {
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
  std::memcpy(name, keys.sealing().name.data(), keys.sealing().name.size());
  return use_key(keys.sealing(), iv, cipher, mac, 1);
}

int open_ticket(SSL* ssl, const TicketKeys& keys, const unsigned char* name, const unsigned char* iv,
                EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  for (const TicketKeys::Key& key : keys.all()) {
    if (std::memcmp(name, key.name.data(), key.name.size()) != 0) continue;
    if (use_key(key, iv, cipher, mac, 0) != 1) return -1;
    // 2 asks for a fresh ticket: under an old key, and in TLS 1.3, where a ticket is meant for one use.
    return &key != &keys.sealing() || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
  }
  return 0;  // a full handshake
}

int on_ticket(SSL* ssl, unsigned char name[16], unsigned char iv[EVP_MAX_IV_LENGTH], EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int sealing) {
  const auto* keys = static_cast<const TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return sealing == 1 ? seal_ticket(*keys, name, iv, cipher, mac)
                      : open_ticket(ssl, *keys, name, iv, cipher, mac);
}

}  // namespace

Result<void> ServerContext::State::set_up() {
  SSL_CTX* context = engine.context.get();
  const LoadedIdentity& main = identities->main;
  // The same in all contexts, or a ticket of one would not be taken by another.
  constexpr std::string_view kSessionContext = "ringpost";
  const bool good =
      SSL_CTX_use_cert_and_key(context, main.certificate.get(), main.key.get(), main.issuers.get(), 1) == 1 &&
      SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                     kSessionContext.size()) == 1 &&
      SSL_CTX_set_dh_auto(context, 1) == 1 && SSL_CTX_set_num_tickets(context, 1) == 1 &&
      SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &on_ticket) == 1;
  if (!good) return fail(ErrorKind::permanent, "set up TLS: " + take_tls_error(nullptr));
  // State of the server is in the tickets alone: no table of sessions, and no lock around it.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, kTicketLifetimeSeconds);
  SSL_CTX_set_app_data(context, const_cast<TicketKeys*>(keys.get()));
  SSL_CTX_set_tlsext_servername_callback(context, &acknowledge_name);
  SSL_CTX_set_cert_cb(context, &choose_identity, const_cast<LoadedIdentities*>(identities.get()));
  return {};
}

Result<std::shared_ptr<const ServerContext::State>> ServerContext::State::make(
    std::shared_ptr<const LoadedIdentities> identities, std::shared_ptr<const TicketKeys> keys,
    Versions versions) {
  RP_ASSERT(keys != nullptr);
  auto state = std::make_shared<State>();
  state->engine = RP_TRY(make_engine(TLS_server_method(), versions));
  state->identities = std::move(identities);
  state->keys = std::move(keys);
  state->versions = versions;
  RP_CHECK(state->set_up());
  return state;
}

ServerContext::ServerContext(std::shared_ptr<const State> state) : state_(std::move(state)) {}
ServerContext::~ServerContext() = default;

Result<std::shared_ptr<const ServerContext>> ServerContext::build(const ServerSettings& settings,
                                                                  std::shared_ptr<const TicketKeys> keys) {
  auto identities = std::make_shared<const LoadedIdentities>(RP_TRY(load_identities(settings)));
  return std::shared_ptr<const ServerContext>(new ServerContext(RP_TRY(State::make(
      std::move(identities), std::move(keys), Versions{settings.version_min, settings.version_max}))));
}

Result<std::shared_ptr<const ServerContext>> ServerContext::with_keys(
    std::shared_ptr<const TicketKeys> keys) const {
  return std::shared_ptr<const ServerContext>(
      new ServerContext(RP_TRY(State::make(state_->identities, std::move(keys), state_->versions))));
}

Result<Session> ServerContext::new_session() const {
  auto state = RP_TRY(make_session_state(state_->engine, state_));
  SSL_set_accept_state(state->ssl.get());
  return Session(std::move(state));
}

namespace {

void warn(std::vector<std::string>& out, const Identity& identity, std::string_view name, WallTime now) {
  constexpr Duration kSoon = std::chrono::hours{24} * 14;
  const auto info = crypto::certificate_info(identity.certificate_pem);
  if (!info) return;  // an error of build(), not a warning
  const std::string_view place = certificate_place(identity);
  if (info->not_after < now) {
    out.push_back(fmt::format("{}: the certificate has expired, renew it", place));
  } else if (info->not_after < now + kSoon) {
    out.push_back(fmt::format("{}: the certificate expires within {} days, renew it", place,
                              std::chrono::ceil<std::chrono::days>(info->not_after - now).count()));
  }
  if (now < info->not_before) out.push_back(fmt::format("{}: the certificate is not valid yet", place));
  const bool covered =
      name.starts_with("*.") ? info->covers(fmt::format("a{}", name.substr(1))) : info->covers(name);
  if (!name.empty() && !covered)
    out.push_back(fmt::format("{}: the certificate does not cover {}, only {}", place, name,
                              fmt::join(info->names, ", ")));
}

}  // namespace

std::vector<std::string> warnings(const ServerSettings& settings, WallTime now) {
  std::vector<std::string> out;
  warn(out, settings.main, {}, now);
  for (const auto& [name, identity] : settings.names) warn(out, identity, name, now);
  return out;
}

}  // namespace ringpost::tls
