#include "peer.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "ringpost/scan/find.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::deliver::test {

namespace {
constexpr Duration kForEver = std::chrono::hours(24 * 365);
}

struct Peer::Accept final : io::Operation {
  Accept(Peer& owner, io::Handle socket)
      : Operation([](Operation& self, const io::Completion& completion) {
          auto& accept = static_cast<Accept&>(self);
          if (completion.result >= 0) accept.peer.core_.spawn(accept.peer.serve({completion.result}));
          if (!completion.more) accept.ended = true;
        }),
        peer(owner),
        listening(socket) {}
  Peer& peer;
  io::Handle listening;
  bool ended = false;
};

struct Peer::Visit {
  net::Connection& connection;
  unsigned number;
  ReceivedMail mail;
  bool hung_up = false;
};

Peer::Peer(shard::Core& core, Endpoint endpoint) : core_(core) {
  const auto listening = core.backend().listen(endpoint, {});
  EXPECT_TRUE(listening) << listening.error().text;
  accept_ = std::make_unique<Accept>(*this, *listening);
  core.submit({.kind = io::OpKind::accept, .handle = *listening, .operation = accept_.get()});
}

Peer::~Peer() {
  EXPECT_TRUE(accept_->ended && open + closing_ == 0);
}

Task<void> Peer::stop() {
  core_.submit({.kind = io::OpKind::cancel, .target = accept_.get()});
  while (!accept_->ended || open + closing_ > 0) co_await shard::Sleep(core_, std::chrono::milliseconds(10));
  co_await shard::Await(core_, {.kind = io::OpKind::close, .handle = accept_->listening});
}

Task<void> Peer::serve(io::Handle socket) {
  net::Connection connection(core_, socket, core_.backend().peer_endpoint(socket));
  ++connections;
  open_max = std::max(open_max, ++open);
  Visit visit{.connection = connection, .number = connections, .mail = {}};
  co_await talk(visit);
  // A client counts as gone when it has said so: it frees its slot after that at the earliest.
  while (!visit.hung_up && co_await connection.receive(core_.now() + std::chrono::seconds(10)))
    connection.consume(connection.input().size());
  --open;
  ++closing_;
  co_await connection.close();
  --closing_;
}

Task<void> Peer::talk(Visit& visit) {
  if (!co_await say(visit, answer ? answer("greeting", visit.number).value_or(greeting) : greeting))
    co_return;
  while (auto line = co_await read_line(visit)) {
    lines.push_back(*line);
    if (!co_await obey(visit, std::move(*line))) co_return;
  }
}

Task<std::optional<std::string>> Peer::read_line(Visit& visit) {
  for (;;) {
    const std::string_view text = scan::as_text(visit.connection.input());
    if (const auto end = text.find("\r\n"); end != std::string_view::npos) {
      std::string line(text.substr(0, end));
      visit.connection.consume(end + 2);
      co_return line;
    }
    if (!co_await visit.connection.receive(core_.now() + kForEver)) co_return std::nullopt;
  }
}

Task<bool> Peer::say(Visit& visit, std::string reply) {
  if (reply == kHangUp) {
    visit.hung_up = true;
    co_return false;
  }
  if (reply == kDrip) {
    for (unsigned dripped = 0; dripped < 1000 && visit.connection.write("250-more\r\n"); ++dripped) {
      if (!co_await visit.connection.flush(core_.now() + kForEver)) break;
      co_await shard::Sleep(core_, std::chrono::seconds(10));
    }
    co_return false;
  }
  if (reply.empty()) {
    while (co_await visit.connection.receive(core_.now() + kForEver))
      visit.connection.consume(visit.connection.input().size());
    co_return false;
  }
  if (!visit.connection.write(reply + "\r\n")) co_return false;
  const auto sent = co_await visit.connection.flush(core_.now() + kForEver);
  co_return sent && !reply.starts_with("421") && !reply.starts_with("221");
}

std::string Peer::usual_answer(Visit& visit, const std::string& line) {
  const std::string verb = line.substr(0, 4);
  if (verb == "EHLO" || verb == "LHLO") {
    std::string reply = "250";
    for (std::size_t i = 0; i <= offers.size(); ++i)
      reply += (i == offers.size() ? " " : "-") + (i == 0 ? "peer.test" : offers[i - 1]) +
               (i == offers.size() ? "" : "\r\n250");
    return reply;
  }
  if (verb == "QUIT") {
    ++quits;
    return "221 2.0.0 bye";
  }
  if (verb == "AUTH") return "235 2.7.0 welcome";
  if (verb == "DATA") return visit.mail.to.empty() ? "503 5.5.1 no recipients" : "354 go on";
  return "250 2.0.0 ok";
}

Task<bool> Peer::obey(Visit& visit, std::string line) {
  const std::string verb = line.substr(0, 4);
  const std::optional<std::string> scripted = answer ? answer(line, visit.number) : std::nullopt;
  if (verb == "BDAT") {
    const bool last = line.ends_with("LAST");
    if (scripted) co_return co_await say(visit, *scripted);
    co_return co_await take_chunk(visit, std::stoul(line.substr(5)), last);
  }
  const std::string reply = scripted ? *scripted : usual_answer(visit, line);
  const bool good = reply.starts_with("2");
  if (verb == "STAR" && good) {
    if (!co_await say(visit, "220 2.0.0 ready")) co_return false;
    if (garbage_for_tls) co_return co_await say(visit, "what is TLS?") && co_await say(visit, "");
    co_return (co_await visit.connection.accept_tls(tls, core_.now() + kForEver)).has_value();
  }
  if (verb == "MAIL" && good) visit.mail = {.from = line.substr(10)};
  if (verb == "RSET") visit.mail = {};
  if (verb == "RCPT" && good) visit.mail.to.push_back(line.substr(8));
  if (!co_await say(visit, reply)) co_return false;
  co_return verb != "DATA" || !reply.starts_with("354") || co_await take_data(visit);
}

Task<bool> Peer::take_data(Visit& visit) {
  for (;;) {
    auto line = co_await read_line(visit);
    if (!line) co_return false;
    if (*line == ".") co_return co_await finish_mail(visit);
    visit.mail.body += line->starts_with(".") ? line->substr(1) : *line;
    visit.mail.body += "\r\n";
  }
}

Task<bool> Peer::take_chunk(Visit& visit, std::size_t size, bool last) {
  visit.mail.chunked = true;
  while (size > 0) {
    const auto input = visit.connection.input().first(std::min(size, visit.connection.input().size()));
    visit.mail.body += scan::as_text(input);
    size -= input.size();
    visit.connection.consume(input.size());
    if (size > 0 && !co_await visit.connection.receive(core_.now() + kForEver)) co_return false;
  }
  if (!last) co_return co_await say(visit, "250 2.0.0 more");
  if (visit.mail.to.empty()) co_return co_await say(visit, "554 5.5.1 no recipients");
  co_return co_await finish_mail(visit);
}

Task<bool> Peer::finish_mail(Visit& visit) {
  visit.mail.connection = visit.number;
  visit.mail.secure = visit.connection.secure();
  if (delay > Duration{0}) co_await shard::Sleep(core_, delay);
  bool kept = false;
  for (std::size_t recipient = 0; recipient < (lmtp ? visit.mail.to.size() : 1); ++recipient) {
    const auto judged = judge ? judge(visit.mail, recipient) : std::nullopt;
    const std::string reply = judged.value_or("250 2.6.0 taken");
    if (!kept && reply.starts_with("2")) mails.push_back(visit.mail);
    kept = kept || reply.starts_with("2");
    if (!co_await say(visit, reply)) co_return false;
  }
  visit.mail = {};
  co_return true;
}

}  // namespace ringpost::deliver::test
