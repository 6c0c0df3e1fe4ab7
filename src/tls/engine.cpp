#include "engine.hpp"

#include <openssl/err.h>

namespace ringpost::tls {

namespace {

// Mail servers fall back to clear text when no cipher is shared, so the list goes down to AES-CBC and RSA key
// exchange for old peers, the good ones first. Nothing without authentication, nothing broken.
constexpr const char* kCiphers12 =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:RSA+AESGCM:RSA+AES:"
    "!aNULL:!eNULL:!PSK:!SRP:!DSS:!AESCCM";

// The BIO moves bytes between OpenSSL's record buffer and the State, with no buffer of its own in between.
int read_input(BIO* bio, char* out, int size) {
  auto& state = *static_cast<Session::State*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (state.input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(state.input.size(), static_cast<std::size_t>(std::max(size, 0)));
  std::memcpy(out, state.input.data(), count);
  state.input = state.input.subspan(count);
  return static_cast<int>(count);
}

int write_output(BIO* bio, const char* bytes, int size) {
  auto& state = *static_cast<Session::State*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  state.output.append(std::as_bytes(std::span(bytes, static_cast<std::size_t>(std::max(size, 0)))));
  return size;
}

long control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int wire_version(Version version) {
  return version == Version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

std::unexpected<Error> out_of_memory(std::string_view doing) {
  return fail(ErrorKind::exhausted,
              fmt::format("{}: {}", doing, crypto::take_openssl_error("out of memory")));
}

}  // namespace

Result<Engine> make_engine(const SSL_METHOD* method, Versions versions) {
  ERR_clear_error();
  Engine engine;
  // Types are only to be searched for, which we do not; asking for a fresh one each time would use them up on reloads.
  engine.bio_method.reset(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "session memory"));
  engine.context.reset(SSL_CTX_new(method));
  if (engine.bio_method == nullptr || engine.context == nullptr) return out_of_memory("set up TLS");
  BIO_meth_set_read(engine.bio_method.get(), &read_input);
  BIO_meth_set_write(engine.bio_method.get(), &write_output);
  BIO_meth_set_ctrl(engine.bio_method.get(), &control);

  SSL_CTX* context = engine.context.get();
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // Gives OpenSSL's record buffers, 34 KiB a connection, back while it is idle.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(context, kPeerChainBytesMax);
  if (SSL_CTX_set_min_proto_version(context, wire_version(versions.min)) != 1 ||
      SSL_CTX_set_max_proto_version(context, wire_version(versions.max)) != 1 ||
      SSL_CTX_set_cipher_list(context, kCiphers12) != 1)
    return out_of_memory("set up TLS");
  return engine;
}

Result<std::unique_ptr<Session::State>> make_session_state(const Engine& engine,
                                                           std::shared_ptr<const void> context) {
  ERR_clear_error();
  auto state = std::make_unique<Session::State>();
  state->context = std::move(context);
  state->ssl.reset(SSL_new(engine.context.get()));
  crypto::OwnedBio bio(BIO_new(engine.bio_method.get()));
  if (state->ssl == nullptr || bio == nullptr) return out_of_memory("new TLS session");
  BIO_set_data(bio.get(), state.get());
  SSL_set_app_data(state->ssl.get(), state.get());
  // One BIO for both directions, so that one reference goes to the SSL object.
  SSL_set_bio(state->ssl.get(), bio.get(), bio.get());
  (void)bio.release();
  return state;
}

std::string take_tls_error(const SSL* ssl) {
  const unsigned long code = ERR_peek_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  std::string text = crypto::take_openssl_error("unexpected end");
  if (reason >= SSL_AD_REASON_OFFSET)
    return fmt::format("the peer refused with the alert \"{}\"",
                       SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return "the peer speaks HTTP, not TLS";
    case SSL_R_WRONG_VERSION_NUMBER:
      return "the peer does not speak TLS (wrong version number)";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return "no TLS version in common";
    case SSL_R_NO_SHARED_CIPHER:
      return "no cipher in common";
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return fmt::format("certificate not accepted: {}",
                         X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
    default:
      return text;
  }
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

}  // namespace ringpost::tls
