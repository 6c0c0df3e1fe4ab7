#include "ringpost/tls/client_context.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ringpost/base/address.hpp"

#include "engine.hpp"
#include "session_cache.hpp"

namespace ringpost::tls {

namespace {

// Called when the server gives a session: at the end of a TLS 1.2 handshake, any time later in TLS 1.3.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto& state = *static_cast<Session::State*>(SSL_get_app_data(ssl));
  if (state.session_key.empty()) return 0;
  state.client->sessions.put(state.session_key, OwnedSslSession(session));
  return 1;  // the reference is ours
}

// Sessions verified and not, and to other names, are never mixed: resuming checks no certificate again.
std::string cache_key(const Destination& destination, std::string_view name) {
  if (destination.session_key.empty()) return {};
  return fmt::format("{}\n{}\n{}",
                     destination.verification == Verification::required ? "required" : "opportunistic", name,
                     destination.session_key);
}

Result<void> set_name(SSL* ssl, const std::string& name) {
  if (name.empty()) return {};
  const bool is_address = parse_address(name).has_value();
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // An address is no server name (RFC 6066 section 3).
  const bool good =
      is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1
                 : SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  if (!good) return fail(ErrorKind::permanent, fmt::format("\"{}\" cannot be a TLS server name", name));
  return {};
}

}  // namespace

ClientContext::ClientContext(std::shared_ptr<State> state) : state_(std::move(state)) {}
ClientContext::~ClientContext() = default;

Result<std::unique_ptr<ClientContext>> ClientContext::build(const ClientSettings& settings) {
  auto state = std::make_shared<State>();
  state->engine = RP_TRY(make_engine(TLS_client_method(), {settings.version_min, settings.version_max}));
  SSL_CTX* context = state->engine.context.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &keep_session);
  if (!settings.authorities_pem.empty()) {
    auto authorities = crypto::read_certificates(settings.authorities_pem);
    if (!authorities) {
      const bool named = !settings.authorities_path.empty();
      return fail(
          std::move(authorities).error().in(named ? settings.authorities_path : "trusted authorities"));
    }
    for (const crypto::OwnedCertificate& authority : *authorities)
      if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1)
        return fail(ErrorKind::exhausted,
                    "trust authorities: " + crypto::take_openssl_error("out of memory"));
    state->has_authorities = true;
  }
  return std::unique_ptr<ClientContext>(new ClientContext(std::move(state)));
}

Result<Session> ClientContext::new_session(const Destination& destination) {
  const bool required = destination.verification == Verification::required;
  std::string name = destination.server_name;
  if (name.ends_with('.')) name.pop_back();
  if (required && name.empty()) return fail(ErrorKind::permanent, "no name to compare the certificate with");
  if (required && !state_->has_authorities)
    return fail(ErrorKind::permanent,
                "no trusted authorities are loaded; install the package ca-certificates");

  auto state = RP_TRY(make_session_state(state_->engine, state_));
  SSL* ssl = state->ssl.get();
  RP_CHECK(set_name(ssl, name));
  // Whoever would take clear text is better off with a short key than with none.
  SSL_set_security_level(ssl, required ? 2 : 1);
  SSL_set_verify(ssl, required ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_set_connect_state(ssl);
  state->client = state_.get();
  state->session_key = cache_key(destination, name);
  if (SSL_SESSION* session = state_->sessions.find(state->session_key)) SSL_set_session(ssl, session);
  state->advance_handshake();
  if (state->failure) return fail(*state->failure);
  return Session(std::move(state));
}

std::size_t ClientContext::cached_sessions() const {
  return state_->sessions.size();
}

}  // namespace ringpost::tls
