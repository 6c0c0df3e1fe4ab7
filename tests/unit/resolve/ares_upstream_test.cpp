// c-ares against a real socket: our small DNS server on loopback, on each backend that this machine has.
#include "ringpost/resolve/ares_upstream.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ringpost/dns/zone.hpp"
#include "ringpost/resolve/dns_server.hpp"
#include "ringpost/resolve/limits.hpp"

#include "unit/resolve/harness.hpp"

namespace ringpost::resolve {
namespace {

using dns::Status;
using dns::Type;

const Endpoint kAnyPort{IpAddress::loopback(), 0};

class AresUpstream : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto made = io::make_backend({.choice = GetParam()});
    if (!made) GTEST_SKIP() << made.error().text;
    backend_ = std::move(*made);
    core_ = std::make_unique<shard::Core>(shard::Core::Parts{.backend = backend_.get()});
    zone_.add("x 60 MX 10 a.x").value();
    zone_.add("*.many.x 60 A 192.0.2.1").value();
    zone_.add("a.x 60 A 192.0.2.1").value();
  }
  void TearDown() override {
    if (core_ == nullptr) return;
    if (resolver_ != nullptr) run(*core_, resolver_->stop());
    for (auto& server : servers_) server->stop();
    for (int turns = 0; core_->live_tasks() > 0 && turns < 10'000; ++turns)
      core_->turn(core_->now() + std::chrono::milliseconds(10));
    EXPECT_EQ(core_->live_tasks(), 0U);
    resolver_.reset();
    servers_.clear();
    core_.reset();
  }

  Endpoint serve(DnsServer::Respond respond, Endpoint where = kAnyPort) {
    servers_.push_back(std::move(*DnsServer::open(*core_, where, std::move(respond))));
    core_->spawn(servers_.back()->serve());
    return servers_.back()->endpoint();
  }
  Endpoint serve_zone() {
    return serve([this](const dns::Query& query) {
      ++asked_;
      return std::optional(zone_.respond(query));
    });
  }
  // Long enough that a busy machine does not time out by itself; tests of time-outs take kShort.
  static constexpr Duration kLong = std::chrono::seconds(10);
  static constexpr Duration kShort = std::chrono::milliseconds(50);
  void resolve_with(std::vector<Endpoint> servers, Duration timeout = kLong, std::uint32_t attempts = 3) {
    ResolverOptions options{.timeout = timeout, .attempts = attempts, .hosts_file = ""};
    for (const Endpoint& server : servers) options.servers.push_back(to_string(server));
    resolver_ = std::move(*Resolver::make(*core_, options, {}));
  }
  dns::Answer ask(std::string_view owner, Type type) {
    return run(*core_, resolver_->ask({name(owner), type}, core_->now() + std::chrono::seconds(60)));
  }

  std::unique_ptr<io::Backend> backend_;
  std::unique_ptr<shard::Core> core_;
  std::vector<std::unique_ptr<DnsServer>> servers_;
  std::unique_ptr<Resolver> resolver_;
  dns::Zone zone_;
  std::size_t asked_ = 0;
};

TEST_P(AresUpstream, asks_the_configured_server_over_udp) {
  resolve_with({serve_zone()});
  EXPECT_EQ(ask("x", Type::mx).records, (std::vector<dns::Data>{dns::Mx{10, name("a.x")}}));
  EXPECT_EQ(ask("gone.x", Type::mx).status, Status::nxdomain);
  EXPECT_EQ(ask("a.x", Type::mx).status, Status::nodata);
  EXPECT_EQ(asked_, 3U);
}

TEST_P(AresUpstream, asks_over_ipv6) {
  const Endpoint any6{IpAddress::loopback(IpVersion::ipv6), 0};
  auto probe = DnsServer::open(*core_, any6, [](const dns::Query&) { return std::nullopt; });
  if (!probe) GTEST_SKIP() << "no IPv6 here: " << probe.error().text;
  resolve_with(
      {serve([this](const dns::Query& query) { return std::optional(zone_.respond(query)); }, any6)});
  EXPECT_EQ(ask("x", Type::mx).status, Status::ok);
}

TEST_P(AresUpstream, shows_the_ad_bit_and_asks_for_it_with_edns) {
  std::size_t payload = 0;
  resolve_with({serve([&](const dns::Query& query) {
    payload = query.payload_bytes_max;
    dns::Message message = zone_.respond(query);
    message.authentic = true;
    return std::optional(message);
  })});
  EXPECT_TRUE(ask("x", Type::mx).authentic);
  EXPECT_EQ(payload, dns::kEdnsPayloadBytes);
}

TEST_P(AresUpstream, answers_many_questions_at_once) {
  resolve_with({serve_zone()});
  std::vector<std::optional<dns::Answer>> answers(4 * kDatagramsPerTurn + 1);
  for (std::size_t i = 0; i < answers.size(); ++i)
    core_->spawn(
        store(resolver_->ask({name(std::to_string(i) + ".many.x"), Type::a}, Instant::never()), &answers[i]));
  const auto waiting = [&] {
    return std::ranges::any_of(answers, [](const auto& one) { return !one.has_value(); });
  };
  for (int turns = 0; waiting() && turns < 100'000; ++turns)
    core_->turn(core_->now() + std::chrono::milliseconds(10));
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, Status::ok);
  }
}

TEST_P(AresUpstream, asks_again_when_a_datagram_is_lost) {
  resolve_with({serve([this](const dns::Query& query) {
                 return ++asked_ < 3 ? std::nullopt : std::optional(zone_.respond(query));
               })},
               kShort, 8);
  EXPECT_EQ(ask("x", Type::mx).status, Status::ok);
  EXPECT_GE(asked_, 3U);
}

TEST_P(AresUpstream, gives_up_on_a_silent_server_after_its_attempts) {
  resolve_with({serve([this](const dns::Query&) {
                 ++asked_;
                 return std::nullopt;
               })},
               kShort, 2);
  EXPECT_EQ(ask("x", Type::mx).status, Status::timeout);
  EXPECT_EQ(asked_, 2U);
}

TEST_P(AresUpstream, fails_when_nobody_listens) {
  const Endpoint gone = serve_zone();
  servers_.back()->stop();
  while (core_->live_tasks() > 0) core_->turn(core_->now() + std::chrono::milliseconds(10));
  servers_.clear();
  resolve_with({gone}, kShort);
  EXPECT_TRUE(ask("x", Type::mx).temporary());
}

TEST_P(AresUpstream, turns_to_the_second_server_when_the_first_is_silent) {
  const Endpoint silent = serve([](const dns::Query&) { return std::nullopt; });
  resolve_with({silent, serve_zone()}, kShort, 5);
  EXPECT_EQ(ask("x", Type::mx).status, Status::ok);
}

TEST_P(AresUpstream, asks_the_second_server_when_the_first_fails_or_refuses) {
  dns::Rcode rcode = dns::Rcode::servfail;
  std::size_t failed = 0;
  const Endpoint failing = serve([&](const dns::Query& query) {
    ++failed;
    return std::optional(dns::Message{query, rcode});
  });
  resolve_with({failing, serve_zone()});
  EXPECT_EQ(ask("x", Type::mx).status, Status::ok);
  rcode = dns::Rcode::refused;
  EXPECT_EQ(ask("a.x", Type::a).status, Status::ok);
  EXPECT_EQ(failed, 2U);
}

TEST_P(AresUpstream, fails_when_every_server_fails_or_refuses) {
  const auto answering = [&](dns::Rcode rcode) {
    return serve([rcode](const dns::Query& query) { return std::optional(dns::Message{query, rcode}); });
  };
  resolve_with({answering(dns::Rcode::servfail), answering(dns::Rcode::refused)});
  EXPECT_EQ(ask("x", Type::mx).status, Status::servfail);
}

TEST_P(AresUpstream, asks_without_edns_where_a_server_chokes_on_it) {
  resolve_with({serve([&](const dns::Query& query) {
    if (query.payload_bytes_max != dns::kPlainPayloadBytes)
      return std::optional(dns::Message{query, dns::Rcode::format_error});
    return std::optional(zone_.respond(query));
  })});
  // The second time too, when c-ares itself has stopped to expect EDNS.
  EXPECT_EQ(ask("x", Type::mx).status, Status::ok);
  EXPECT_EQ(ask("a.x", Type::a).status, Status::ok);
}

TEST_P(AresUpstream, drops_a_response_to_another_question) {
  resolve_with({serve([this](const dns::Query& query) {
                 dns::Query other = query;
                 if (++asked_ == 1) other.question.name = name("evil.x");
                 return std::optional(zone_.respond(other));
               })},
               kShort, 8);
  EXPECT_EQ(ask("x", Type::mx).status, Status::ok);
  EXPECT_GE(asked_, 2U);
}

TEST_P(AresUpstream, reads_the_hosts_file_of_the_options) {
  const std::string path =
      testing::TempDir() + "/resolve_hosts_" + GetParam() + "_" + std::to_string(::getpid());
  const auto file = backend_->files().open(path, {.write = true, .create = true, .truncate = true});
  ASSERT_TRUE(file.has_value());
  const std::string_view text = "192.0.2.7 box.lan\n";
  ASSERT_TRUE(backend_->files().write_at(file->handle, std::as_bytes(std::span(text)), 0));
  backend_->files().close(file->handle);
  ResolverOptions options{.hosts_file = path};
  options.servers.push_back(to_string(serve_zone()));
  resolver_ = std::move(*Resolver::make(*core_, options, {}));
  EXPECT_EQ(ask("box.lan", Type::a).records, (std::vector<dns::Data>{IpAddress::ipv4(192, 0, 2, 7)}));
  EXPECT_EQ(asked_, 0U);
  EXPECT_TRUE(backend_->files().unlink(path));
}

// Reads one query from a TCP connection and answers it.
void serve_one_over_tcp(int listening, const dns::Zone& zone) {
  const int socket = ::accept(listening, nullptr, nullptr);
  std::array<std::byte, 2048> query{};
  std::size_t size = 0;
  while (size < 2 ||
         size < 2 + (std::to_integer<std::size_t>(query[0]) << 8 | std::to_integer<std::size_t>(query[1]))) {
    const ssize_t got = ::recv(socket, &query[size], query.size() - size, 0);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  const auto parsed = dns::parse_query(std::span(query).subspan(2, size - 2));
  const auto response = zone.respond(*parsed).encode(dns::kMessageBytesMax);
  const std::array<std::byte, 2> prefix = {static_cast<std::byte>(response.size() >> 8),
                                           static_cast<std::byte>(response.size() & 0xff)};
  (void)::send(socket, prefix.data(), prefix.size(), MSG_NOSIGNAL);
  (void)::send(socket, response.data(), response.size(), MSG_NOSIGNAL);
  std::byte end{};
  (void)::recv(socket, &end, 1, 0);  // until the other side closes
  ::close(socket);
}

TEST_P(AresUpstream, comes_back_over_tcp_for_a_long_answer) {
  for (int i = 0; i < 200; ++i) zone_.add("long.x 60 A 192.0.2." + std::to_string(i)).value();
  // A port that is free for UDP may belong to somebody else for TCP: another try takes another port.
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ASSERT_EQ(::setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
  Endpoint server;
  int bound = -1;
  for (int tries = 0; tries < 20 && bound != 0; ++tries) {
    server = serve_zone();
    sockaddr_storage address{};
    const socklen_t size = to_socket_address(server, address);
    bound = ::bind(listening, reinterpret_cast<const sockaddr*>(&address), size);
  }
  ASSERT_EQ(bound, 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  std::thread tcp([&] { serve_one_over_tcp(listening, zone_); });
  resolve_with({server});
  EXPECT_EQ(ask("long.x", Type::a).records.size(), 200U);
  run(*core_, resolver_->stop());
  tcp.join();
  ::close(listening);
}

TEST_P(AresUpstream, is_aborted_with_questions_under_way_and_stopped_later) {
  resolve_with({serve([](const dns::Query&) { return std::nullopt; })});
  std::optional<dns::Answer> answer;
  core_->spawn(store(resolver_->ask({name("a.x"), Type::a}, Instant::never()), &answer));
  core_->turn(core_->now());
  resolver_->abort();
  for (int turns = 0; turns < 10; ++turns) core_->turn(core_->now());
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, Status::servfail);
  resolver_->abort();
}

TEST_P(AresUpstream, stops_with_questions_under_way) {
  resolve_with({serve([](const dns::Query&) { return std::nullopt; })});
  std::vector<std::optional<dns::Answer>> answers(10);
  for (std::size_t i = 0; i < answers.size(); ++i)
    core_->spawn(
        store(resolver_->ask({name(std::to_string(i) + ".x"), Type::a}, Instant::never()), &answers[i]));
  core_->turn(core_->now());
  run(*core_, resolver_->stop());
  for (int turns = 0; turns < 10; ++turns) core_->turn(core_->now());
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, Status::servfail);
  }
}

TEST_P(AresUpstream, survives_a_server_that_sends_noise) {
  const int noisy = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address{};
  socklen_t size = to_socket_address(kAnyPort, address);
  ASSERT_EQ(::bind(noisy, reinterpret_cast<const sockaddr*>(&address), size), 0);
  size = sizeof(address);
  ASSERT_EQ(::getsockname(noisy, reinterpret_cast<sockaddr*>(&address), &size), 0);
  resolve_with({*from_socket_address(reinterpret_cast<const sockaddr*>(&address), size)}, kShort, 1);
  std::thread server([&] {
    std::array<char, 600> datagram{};
    sockaddr_storage from{};
    socklen_t from_size = sizeof(from);
    const ssize_t got = ::recvfrom(noisy, datagram.data(), datagram.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &from_size);
    // The query itself with the response bit, with counts that lie, and cut off.
    datagram[2] = static_cast<char>(datagram[2] | 0x80);
    datagram[7] = 9;
    for (ssize_t cut : {ssize_t{0}, ssize_t{1}, ssize_t{12}, got})
      (void)::sendto(noisy, datagram.data(), static_cast<std::size_t>(cut), 0,
                     reinterpret_cast<sockaddr*>(&from), from_size);
  });
  EXPECT_TRUE(ask("x", Type::mx).temporary());
  server.join();
  ::close(noisy);
}

INSTANTIATE_TEST_SUITE_P(, AresUpstream, testing::Values("uring", "epoll"),
                         [](const auto& info) { return std::string(info.param); });

TEST(DnsServer, drops_what_is_no_query) {
  auto backend = io::make_backend({.choice = "epoll"});
  ASSERT_TRUE(backend.has_value());
  shard::Core core({.backend = backend->get()});
  std::size_t asked = 0;
  auto server = DnsServer::open(core, kAnyPort, [&](const dns::Query&) {
    ++asked;
    return std::nullopt;
  });
  ASSERT_TRUE(server.has_value());
  core.spawn((*server)->serve());
  const int client = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address{};
  const socklen_t size = to_socket_address((*server)->endpoint(), address);
  const std::string noise(40, '\xff');
  const auto query = dns::encode_query(1, {name("x"), Type::a});
  (void)::sendto(client, noise.data(), noise.size(), 0, reinterpret_cast<sockaddr*>(&address), size);
  (void)::sendto(client, noise.data(), 0, 0, reinterpret_cast<sockaddr*>(&address), size);
  (void)::sendto(client, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&address), size);
  for (int turns = 0; asked == 0 && turns < 1000; ++turns)
    core.turn(core.now() + std::chrono::milliseconds(10));
  EXPECT_EQ(asked, 1U);
  (*server)->stop();
  for (int turns = 0; core.live_tasks() > 0 && turns < 1000; ++turns)
    core.turn(core.now() + std::chrono::milliseconds(10));
  EXPECT_EQ(core.live_tasks(), 0U);
  ::close(client);
}

TEST(DnsServer, fails_on_an_address_that_is_not_ours) {
  auto backend = io::make_backend({.choice = "epoll"});
  ASSERT_TRUE(backend.has_value());
  shard::Core core({.backend = backend->get()});
  const auto server =
      DnsServer::open(core, {*parse_address("192.0.2.1"), 0}, [](const dns::Query&) { return std::nullopt; });
  ASSERT_FALSE(server.has_value());
  EXPECT_NE(server.error().system, 0);
}

}  // namespace
}  // namespace ringpost::resolve
