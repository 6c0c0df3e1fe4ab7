#include "ringpost/tls/session.hpp"

#include <openssl/err.h>

#include "engine.hpp"
#include "session_cache.hpp"

namespace ringpost::tls {

std::string_view to_string(Version version) {
  return version == Version::tls_1_3 ? "TLSv1.3" : "TLSv1.2";
}

namespace {

// The client chose this text: only what a host name may hold reaches a log or a header.
std::string safe_name(std::string_view name) {
  std::string safe = lower_case(name);
  for (char& c : safe) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (!good) c = '?';
  }
  return safe;
}

}  // namespace

Session::State::~State() {
  // Whoever ends SMTP with QUIT and closes the socket has lost nothing: without this OpenSSL would void the
  // session, and the next connection could not resume it.
  if (ssl != nullptr && handshake_done && !failure)
    SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl.reset();
  ERR_clear_error();
}

void Session::State::record_failure(std::string_view during) {
  failure = Error{ErrorKind::temporary, 0, fmt::format("{}: {}", during, take_tls_error(ssl.get()))};
  // A session that does not work must not be offered a second time.
  if (client != nullptr && !handshake_done) client->sessions.erase(session_key);
}

void Session::State::advance_handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl.get());
  if (result == 1) {
    handshake_done = true;
    record_facts();
  } else if (SSL_get_error(ssl.get(), result) != SSL_ERROR_WANT_READ) {
    record_failure("TLS handshake");
  }
}

void Session::State::record_facts() {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl.get());
  facts.version = SSL_version(ssl.get()) >= TLS1_3_VERSION ? Version::tls_1_3 : Version::tls_1_2;
  facts.cipher = SSL_CIPHER_get_name(cipher);
  facts.cipher_bits = SSL_CIPHER_get_bits(cipher, nullptr);
  facts.resumed = SSL_session_reused(ssl.get()) == 1;
  if (const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name))
    facts.sni = safe_name(name);
  if (client == nullptr) return;
  if (client->has_authorities) record_peer_check();
  keep_renewed_session();
}

void Session::State::keep_renewed_session() {
  // In TLS 1.2 a fresh ticket for a resumed session voids the old one without calling back with the new one.
  if (!facts.resumed || session_key.empty() || facts.version != Version::tls_1_2) return;
  if (client->sessions.find(session_key) == SSL_get_session(ssl.get())) return;
  client->sessions.put(session_key, OwnedSslSession(SSL_get1_session(ssl.get())));
}

void Session::State::record_peer_check() {
  const long result = SSL_get_verify_result(ssl.get());
  facts.peer_check = result == X509_V_OK ? PeerCheck::verified : PeerCheck::failed;
  if (result != X509_V_OK) facts.peer_check_reason = X509_verify_cert_error_string(result);
}

std::size_t Session::State::read(std::span<std::byte> plaintext) {
  std::size_t produced = 0;
  while (produced < plaintext.size()) {
    ERR_clear_error();
    std::size_t count = 0;
    const auto room = plaintext.subspan(produced);
    const int result = SSL_read_ex(ssl.get(), room.data(), room.size(), &count);
    produced += count;
    if (result == 1) continue;
    const int error = SSL_get_error(ssl.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN)
      peer_closed = true;
    else if (error != SSL_ERROR_WANT_READ)
      record_failure("TLS");
    break;
  }
  return produced;
}

bool Session::State::encrypt(std::span<const std::byte> plaintext) {
  ERR_clear_error();
  std::size_t count = 0;
  // Our BIO takes everything, so a write never waits and the caller's bytes are not kept.
  const int result = SSL_write_ex(ssl.get(), plaintext.data(), plaintext.size(), &count);
  if (result == 1 && count == plaintext.size()) return true;
  record_failure("TLS");
  return false;
}

bool Session::State::seal() {
  if (staged.empty()) return true;
  const bool good = encrypt(staged.front());
  staged.consume(staged.size());
  return good;
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session::Progress> Session::receive(std::span<const std::byte> ciphertext,
                                           std::span<std::byte> plaintext) {
  State& state = *state_;
  if (state.failure) return fail(*state.failure);
  Progress progress;
  state.input = ciphertext;
  if (!state.handshake_done) state.advance_handshake();
  if (state.handshake_done && !state.peer_closed) progress.produced = state.read(plaintext);
  // What follows close_notify, or a broken record, means nothing.
  if (state.peer_closed || state.failure) state.input = {};
  progress.consumed = ciphertext.size() - state.input.size();
  state.input = {};
  if (state.failure && progress.produced == 0) return fail(*state.failure);
  return progress;
}

Result<std::size_t> Session::write(std::span<const std::byte> plaintext) {
  State& state = *state_;
  if (state.failure) return fail(*state.failure);
  if (state.said_close) return fail(ErrorKind::permanent, "TLS: write after close_notify");
  std::size_t taken = 0;
  while (taken < plaintext.size()) {
    const std::size_t waiting = state.output.size() + state.staged.size();
    const std::size_t room =
        std::min(kOutputBytesMax - std::min(kOutputBytesMax, waiting), kRecordBytesMax - state.staged.size());
    const auto part = plaintext.subspan(taken, std::min(plaintext.size() - taken, room));
    if (part.empty()) break;
    taken += part.size();
    // A whole record goes straight from the caller's bytes.
    if (state.handshake_done && part.size() == kRecordBytesMax) {
      if (!state.encrypt(part)) return fail(*state.failure);
      continue;
    }
    state.staged.append(part);
    if (state.handshake_done && state.staged.size() == kRecordBytesMax && !state.seal())
      return fail(*state.failure);
  }
  return taken;
}

std::span<const std::byte> Session::pending_output() {
  // A failure here is told by the next call of any other function.
  if (state_->handshake_done && !state_->failure) state_->seal();
  return state_->output.front();
}

void Session::consume_output(std::size_t count) {
  state_->output.consume(count);
}

Result<void> Session::end_of_input() {
  if (state_->failure) return fail(*state_->failure);
  if (state_->peer_closed) return {};
  state_->failure = Error{ErrorKind::closed, 0,
                          state_->handshake_done ? "TLS: the connection ended without close_notify"
                                                 : "TLS handshake: the connection ended"};
  return fail(*state_->failure);
}

void Session::close_notify() {
  State& state = *state_;
  if (state.said_close || state.failure || !state.handshake_done) return;
  if (!state.seal()) return;
  state.said_close = true;
  ERR_clear_error();
  SSL_shutdown(state.ssl.get());
  ERR_clear_error();
}

bool Session::handshake_done() const {
  return state_->handshake_done;
}
bool Session::has_plaintext() const {
  return SSL_pending(state_->ssl.get()) > 0;
}
bool Session::peer_closed() const {
  return state_->peer_closed;
}
bool Session::failed() const {
  return state_->failure.has_value();
}
const Facts& Session::facts() const {
  return state_->facts;
}

std::string Session::channel_binding() const {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  std::string binding(kChannelBindingBytes, '\0');
  if (!state_->handshake_done || state_->facts.version != Version::tls_1_3) return {};
  ERR_clear_error();
  const int made =
      SSL_export_keying_material(state_->ssl.get(), reinterpret_cast<unsigned char*>(binding.data()),
                                 binding.size(), kLabel.data(), kLabel.size(), nullptr, 0, 0);
  ERR_clear_error();
  return made == 1 ? binding : std::string();
}

}  // namespace ringpost::tls
