// BDAT: byte 1 settings, byte 2 the splits, then steps that make up a conversation with chunks.
//
// A step is a letter and what it takes:  c N bytes: a chunk of N bytes    l N bytes: the last chunk
//   e: the envelope    s N M bytes: a chunk that says N and sends M       anything else up to a line feed: a command
// N and M are one byte. As long as only e, c and l were used, the mails received must be the chunks put together.
#include <optional>

#include "smtp_server_harness.hpp"

using namespace ringpost;

namespace {

class Client {
 public:
  explicit Client(fuzz::Input& input) : input_(input) {
    said_ = "EHLO client.example\r\n";
    while (!input_.empty()) step();
  }
  std::string_view said() const { return said_; }
  // Nothing when the conversation was not a clean one.
  const std::optional<std::vector<std::string>>& bodies() const { return bodies_; }

 private:
  void step() {
    const char kind = static_cast<char>(input_.byte());
    switch (kind) {
      case 'e':
        if (open_) bodies_.reset();
        open_ = true;
        said_ += smtp::testing::kEnvelope;
        return;
      case 'c':
      case 'l':
        return chunk(kind == 'l');
      case 's': {
        bodies_.reset();
        const std::size_t declared = input_.byte();
        const std::size_t sent = input_.byte();
        said_ += "BDAT " + std::to_string(declared) + "\r\n";
        said_ += input_.take(sent);
        return;
      }
      default:
        bodies_.reset();
        said_ += kind;
        said_ += input_.until("\n");
        said_ += "\r\n";
    }
  }
  void chunk(bool last) {
    const std::string_view payload = input_.take(input_.byte());
    said_ += "BDAT " + std::to_string(payload.size()) + (last ? " LAST\r\n" : "\r\n");
    said_ += payload;
    if (!open_) bodies_.reset();
    body_ += payload;
    if (!last) return;
    if (bodies_) bodies_->push_back(body_);
    body_.clear();
    open_ = false;
  }

  fuzz::Input& input_;
  std::string said_;
  std::string body_;
  bool open_ = false;
  std::optional<std::vector<std::string>> bodies_{std::in_place};
};

bool has_bare_line_end(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
    } else if (text[i] == '\r' || text[i] == '\n') {
      return true;
    }
  }
  return false;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const std::uint8_t choice = input.byte();
  const std::uint8_t seed = input.byte();
  const Client client(input);
  const std::array<std::string_view, 1> turns{client.said()};
  const fuzz::Outcome outcome = fuzz::check_splits(fuzz::server_settings(choice), turns, seed);
  // With plain settings exactly the bodies without a bare line end arrive, byte for byte, until there were too many errors.
  const bool gave_up = std::ranges::find(outcome.events, "closed") != outcome.events.end();
  if (choice != 0 || !client.bodies() || gave_up) return 0;
  std::size_t next = 0;
  for (const std::string& body : *client.bodies()) {
    if (has_bare_line_end(body)) continue;
    RP_ASSERT(next < outcome.mails.size() && outcome.mails[next].body == body);
    ++next;
  }
  RP_ASSERT(next == outcome.mails.size());
  return 0;
}
