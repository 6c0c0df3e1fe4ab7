// smtp::ClientSession: byte 1 what we are told to do, byte 2 the splits, then what the peer says.
//
// The driver sends two messages of three recipients each, then QUIT. Whatever the peer answers, each transaction ends
// once, each recipient hears at most one reply of a kind, and the events do not depend on the splits.
#include <map>
#include <string>

#include "ringpost/smtp/client_session.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;
using Kind = smtp::ClientEvent::Kind;

namespace {

struct Told {
  bool lmtp, tls, auth, pipelining, chunking, eager;
};

mail::Envelope make_envelope() {
  mail::Envelope envelope;
  envelope.set_reverse_path("ann@example.com");
  for (const char* address : {"a@example.net", "b@example.net", "c@example.net"})
    envelope.add_recipient({.address = address});
  return envelope;
}

class Driver {
 public:
  explicit Driver(const Told& told)
      : told_(told),
        settings_{.lmtp = told.lmtp,
                  .helo = "us.example",
                  .pipelining = told.pipelining,
                  .chunking = told.chunking},
        envelope_(make_envelope()),
        session_(settings_) {
    credentials_.authentication_id = "ann";
    credentials_.password = sasl::Secret("secret");
  }

  void feed(std::string_view text) {
    const fuzz::Exact piece(text);
    std::span<const std::byte> input = piece.bytes();
    // Each event but the last few needs a byte of input, or follows from something that we began.
    for (std::size_t events = 0; !over_; ++events) {
      RP_ASSERT(events < 100 + 4 * text.size());
      const std::span<const std::byte> before = input;
      const smtp::ClientEvent event = session_.next(input);
      fuzz::check_consumed(before, input);
      RP_ASSERT(session_.memory_used() < 256 * 1024);
      log_ += fmt::format("{} {} {} {} {};", static_cast<int>(event.kind), static_cast<int>(event.stage),
                          event.transaction, event.recipient, session_.reply().code);
      if (event.kind == Kind::need_input) {
        RP_ASSERT(input.empty());
        log_.erase(log_.rfind(';', log_.size() - 2) + 1);  // how often it is said depends on the splits
        sent_ += session_.output();
        session_.output_sent(session_.output().size());
        return;
      }
      handle(event);
    }
  }
  void end() {
    session_.lost_connection();
    feed("");
    RP_ASSERT(over_ && session_.closed());
    sent_ += session_.output();
  }
  const std::string& log() const { return log_; }
  const std::string& sent() const { return sent_; }

 private:
  void handle(const smtp::ClientEvent& event) {
    switch (event.kind) {
      case Kind::need_input:
        return;
      case Kind::refused:
        return session_.quit();
      case Kind::tls_ready:
        return session_.tls_started();
      case Kind::ready:
      case Kind::tls_refused:
      case Kind::authenticated:
      case Kind::auth_refused:
        return go_on();
      case Kind::send_body:
        RP_ASSERT(open_.contains(event.transaction) && !open_[event.transaction].body);
        RP_ASSERT(!session_.body_form().chunked || session_.body_form().bytes == kBodyBytes);
        open_[event.transaction].body = true;
        session_.body_sent();
        if (told_.eager) begin();
        return;
      case Kind::recipient:
      case Kind::recipient_final: {
        RP_ASSERT(open_.contains(event.transaction) && event.recipient < envelope_.recipient_count());
        std::uint32_t& heard = event.kind == Kind::recipient ? open_[event.transaction].heard
                                                             : open_[event.transaction].heard_final;
        RP_ASSERT((heard & (1U << event.recipient)) == 0);
        heard |= 1U << event.recipient;
        return;
      }
      case Kind::finished:
        RP_ASSERT(open_.erase(event.transaction) == 1);
        return go_on();
      case Kind::closed:
        over_ = true;
        return;
    }
  }
  void go_on() {
    if (session_.closed()) return;
    const bool idle = open_.empty() && begun_ == 0;
    if (told_.tls && idle && !tls_tried_ && session_.capabilities().starttls) {
      tls_tried_ = true;
      return session_.start_tls();
    }
    if (told_.auth && idle && !auth_tried_ && session_.capabilities().auth) {
      auth_tried_ = true;
      return session_.authenticate(sasl::Mechanism::plain, credentials_);
    }
    begin();
    if (open_.empty() && begun_ == 2 && !quit_) {
      quit_ = true;
      session_.quit();
    }
  }
  void begin() {
    if (begun_ == 2 || !session_.can_begin()) return;
    const smtp::Outgoing message{
        .envelope = &envelope_,
        .recipients = {},
        .body_bytes = kBodyBytes,
        .timing = told_.eager ? smtp::BodyTiming::with_envelope : smtp::BodyTiming::after_recipients};
    ++begun_;
    if (session_.unfit(message)) return;
    open_[session_.begin(message)] = {};
  }

  static constexpr std::uint64_t kBodyBytes = 12;
  struct Open {
    bool body = false;
    std::uint32_t heard = 0;
    std::uint32_t heard_final = 0;
  };
  Told told_;
  smtp::ClientSettings settings_;
  mail::Envelope envelope_;
  sasl::Credentials credentials_;
  smtp::ClientSession session_;
  std::map<std::uint32_t, Open> open_;
  std::string log_;
  std::string sent_;
  int begun_ = 0;
  bool tls_tried_ = false;
  bool auth_tried_ = false;
  bool quit_ = false;
  bool over_ = false;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const unsigned choice = input.byte();
  const std::uint8_t seed = input.byte();
  const Told told{(choice & 1U) != 0, (choice & 2U) != 0,  (choice & 4U) != 0,
                  (choice & 8U) == 0, (choice & 16U) == 0, (choice & 32U) != 0};
  Driver whole(told);
  whole.feed(input.rest());
  whole.end();

  Driver pieces(told);
  fuzz::Sizes sizes(seed);
  for (std::string_view rest = input.rest(); !rest.empty();) {
    const std::string_view piece = rest.substr(0, sizes(seed % 2 == 0 ? 3 : 60));
    pieces.feed(piece);
    rest.remove_prefix(piece.size());
  }
  pieces.end();
  // What stands behind the reply to STARTTLS in the same packet ends the conversation, so there splits matter.
  if (!told.tls) RP_ASSERT(whole.log() == pieces.log() && whole.sent() == pieces.sent());
  return 0;
}
