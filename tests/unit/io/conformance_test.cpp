// Connections: the same scripts on every backend.
#include "unit/io/conformance.hpp"

#include <algorithm>

namespace ringpost::io::test {

namespace {

TEST_P(Conformance, accepts_connects_and_echoes) {
  const Pair pair = make_pair();
  Probe at_server, at_client;
  turns->submit(receive(pair.server, at_server));
  turns->submit(receive(pair.client, at_client));
  EXPECT_EQ(send_all(pair.client, "EHLO client.example\r\n"), 21);
  ASSERT_TRUE(turns->until([&] { return at_server.bytes == "EHLO client.example\r\n"; }));
  EXPECT_EQ(send_all(pair.server, at_server.bytes), 21);
  ASSERT_TRUE(turns->until([&] { return at_client.bytes == at_server.bytes; }));
  stop(at_server);
  stop(at_client);
  close(pair);
}

TEST_P(Conformance, names_both_ends_of_a_connection_alike) {
  Endpoint where;
  const Handle listening = listen(where);
  Probe accepting;
  turns->submit(accept(listening, accepting));
  const Handle client = open_socket(where);
  ASSERT_EQ(run({.kind = OpKind::connect, .handle = client, .address = &where}), 0);
  ASSERT_TRUE(turns->until([&] { return !accepting.results.empty(); }));
  const Handle server{accepting.results.at(0)};
  EXPECT_EQ(backend().peer_endpoint(client), where);
  EXPECT_EQ(backend().local_endpoint(server), where);
  EXPECT_EQ(backend().peer_endpoint(server), backend().local_endpoint(client));
  EXPECT_NE(backend().local_endpoint(client).port, 0);
  EXPECT_FALSE(backend().local_endpoint(Handle{-1}));
  stop(accepting);
}

TEST_P(Conformance, connects_from_the_address_that_it_is_told) {
  Endpoint where;
  const Handle listening = listen(where);
  Probe accepting;
  turns->submit(accept(listening, accepting));
  const Endpoint from{IpAddress::ipv4(127, 0, 0, 9), 0};
  const auto client = backend().open_socket(where, from);
  ASSERT_TRUE(client.has_value());
  ASSERT_EQ(run({.kind = OpKind::connect, .handle = *client, .address = &where}), 0);
  ASSERT_TRUE(turns->until([&] { return !accepting.results.empty(); }));
  EXPECT_EQ(backend().peer_endpoint(Handle{accepting.results.at(0)}).address, from.address);
  stop(accepting);
}

TEST_P(Conformance, serves_many_connections_at_once) {
  constexpr std::size_t kConnections = 150;
  Endpoint where;
  const Handle listening = listen(where);
  struct Echo {
    Handle handle;
    Probe receiving, sending;
    iovec vector{};
  };
  std::deque<Echo> servers;
  Probe accepting;
  accepting.on_completion = [&](const Completion& completion) {
    if (completion.result < 0) return;
    Echo& echo = servers.emplace_back();
    echo.handle = Handle{completion.result};
    echo.receiving.on_completion = [&](const Completion& got) {
      if (got.result <= 0 || echo.receiving.bytes.size() != 100) return;
      echo.vector = vector_of(echo.receiving.bytes);
      turns->submit(send(echo.handle, echo.vector, echo.sending));
    };
    turns->submit(receive(echo.handle, echo.receiving));
  };
  turns->submit(accept(listening, accepting));

  struct Client {
    Handle handle;
    Probe connecting, sending, receiving;
    std::string text;
    iovec vector{};
  };
  std::deque<Client> clients;
  for (unsigned i = 0; i < kConnections; ++i) {
    Client& client = clients.emplace_back();
    client.handle = open_socket(where);
    client.text = pattern(100, i);
    client.vector = vector_of(client.text);
    client.connecting.on_completion = [&](const Completion& completion) {
      ASSERT_EQ(completion.result, 0);
      turns->submit(receive(client.handle, client.receiving));
      turns->submit(send(client.handle, client.vector, client.sending));
    };
    turns->submit(connect(client.handle, where, client.connecting));
  }
  const auto echoed = [](const Client& client) { return client.receiving.bytes == client.text; };
  ASSERT_TRUE(turns->until([&] { return std::ranges::all_of(clients, echoed); }));
  EXPECT_EQ(servers.size(), kConnections);
  stop(accepting);
  for (Client& client : clients) {
    stop(client.receiving);
    EXPECT_EQ(close(client.handle), 0);
  }
  for (Echo& echo : servers) {
    ASSERT_TRUE(turns->ended(echo.receiving));
    EXPECT_EQ(echo.receiving.last(), 0);
    EXPECT_EQ(close(echo.handle), 0);
  }
}

TEST_P(Conformance, several_listeners_share_an_address) {
  Endpoint where;
  const Handle first = listen(where);
  const auto second = backend().listen(where, {});
  ASSERT_TRUE(second.has_value());
  Probe at_first, at_second;
  turns->submit(accept(first, at_first));
  turns->submit(accept(*second, at_second));
  for (int i = 0; i < 64; ++i)
    ASSERT_EQ(run({.kind = OpKind::connect, .handle = open_socket(where), .address = &where}), 0);
  ASSERT_TRUE(turns->until([&] { return at_first.results.size() + at_second.results.size() == 64; }));
  EXPECT_GT(at_first.results.size(), 0U);
  EXPECT_GT(at_second.results.size(), 0U);
  stop(at_first);
  stop(at_second);
}

TEST_P(Conformance, an_exclusive_listener_refuses_a_second_one) {
  const auto first = backend().listen({IpAddress::loopback(), 0}, {.reuse_port = false});
  ASSERT_TRUE(first.has_value());
  const auto second = backend().listen(backend().local_endpoint(*first), {.reuse_port = false});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().system, EADDRINUSE);
}

TEST_P(Conformance, connect_to_nobody_is_refused) {
  Endpoint where;
  EXPECT_EQ(close(listen(where)), 0);
  const Handle client = open_socket(where);
  EXPECT_EQ(run({.kind = OpKind::connect, .handle = client, .address = &where}), -ECONNREFUSED);
  EXPECT_EQ(close(client), 0);
}

TEST_P(Conformance, finish_ends_one_direction_after_the_last_byte) {
  const Pair pair = make_pair();
  Probe at_server, at_client;
  turns->submit(receive(pair.server, at_server));
  turns->submit(receive(pair.client, at_client));
  const std::string text = pattern(100'000, 1);
  EXPECT_EQ(send_all(pair.client, text), 100'000);
  EXPECT_EQ(run({.kind = OpKind::finish, .handle = pair.client}), 0);
  ASSERT_TRUE(turns->ended(at_server));
  EXPECT_EQ(at_server.last(), 0);
  EXPECT_EQ(at_server.bytes, text);
  EXPECT_EQ(send_all(pair.server, "221 bye\r\n"), 9);
  ASSERT_TRUE(turns->until([&] { return at_client.bytes == "221 bye\r\n"; }));
  EXPECT_EQ(send_all(pair.client, "more"), -EPIPE);
  EXPECT_EQ(close(pair.server), 0);
  ASSERT_TRUE(turns->ended(at_client));
  EXPECT_EQ(at_client.last(), 0);
  EXPECT_EQ(close(pair.client), 0);
}

TEST_P(Conformance, the_end_of_stream_is_told_again_to_who_asks_again) {
  const Pair pair = make_pair();
  EXPECT_EQ(close(pair.client), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run({.kind = OpKind::receive, .handle = pair.server}), 0);
  EXPECT_EQ(close(pair.server), 0);
}

TEST_P(Conformance, shutdown_ends_both_directions) {
  const Pair pair = make_pair();
  Probe at_server, at_client;
  turns->submit(receive(pair.server, at_server));
  turns->submit(receive(pair.client, at_client));
  EXPECT_EQ(run({.kind = OpKind::shutdown, .handle = pair.client}), 0);
  ASSERT_TRUE(turns->ended(at_client));
  EXPECT_EQ(at_client.last(), 0);
  ASSERT_TRUE(turns->ended(at_server));
  EXPECT_EQ(at_server.last(), 0);
  close(pair);
}

TEST_P(Conformance, shutdown_ends_a_send_that_waits) {
  const Pair pair = make_pair();
  std::string text = pattern(16U << 20, 3);
  const iovec vector = vector_of(text);
  Probe sending;
  turns->submit(send(pair.client, vector, sending));
  turns->settle();
  ASSERT_FALSE(sending.ended);
  EXPECT_EQ(run({.kind = OpKind::shutdown, .handle = pair.client}), 0);
  ASSERT_TRUE(turns->ended(sending));
  EXPECT_EQ(sending.last(), -EPIPE);
  close(pair);
}

TEST_P(Conformance, close_with_unread_bytes_resets_the_peer) {
  const Pair pair = make_pair();
  EXPECT_EQ(send_all(pair.client, "unread"), 6);
  turns->settle();  // they have arrived
  Probe at_client;
  turns->submit(receive(pair.client, at_client));
  EXPECT_EQ(close(pair.server), 0);
  ASSERT_TRUE(turns->ended(at_client));
  EXPECT_EQ(at_client.last(), -ECONNRESET);
  EXPECT_EQ(send_all(pair.client, "more"), -EPIPE);
  EXPECT_EQ(close(pair.client), 0);
}

TEST_P(Conformance, a_large_send_completes_whole_for_a_slow_reader) {
  const Pair pair = make_pair();
  constexpr std::size_t kSize = 24U << 20;
  std::string text = pattern(kSize, 7);
  const iovec vector = vector_of(text);
  Probe sending, receiving;
  turns->submit(send(pair.client, vector, sending));
  turns->settle();
  EXPECT_FALSE(sending.ended);  // nobody reads: no buffer on the way takes so much
  turns->submit(receive(pair.server, receiving));
  ASSERT_TRUE(turns->until([&] { return receiving.bytes.size() == kSize; }));
  ASSERT_TRUE(turns->ended(sending));
  EXPECT_EQ(sending.results, std::vector<std::int32_t>{static_cast<std::int32_t>(kSize)});
  EXPECT_TRUE(receiving.bytes == text);
  stop(receiving);
  close(pair);
}

TEST_P(Conformance, sends_as_many_vectors_as_the_limit_and_no_more) {
  const Pair pair = make_pair();
  std::string text = pattern(100 * (kVectorsMax + 1), 9);
  std::vector<iovec> vectors;
  for (std::size_t i = 0; i <= kVectorsMax; ++i)
    vectors.push_back({text.data() + 100 * i, i % 3 == 0 ? 100U : 99U});
  std::string expected;
  for (std::size_t i = 0; i < kVectorsMax; ++i)
    expected.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
  Probe receiving;
  turns->submit(receive(pair.server, receiving));
  Op op{.kind = OpKind::send,
        .handle = pair.client,
        .vectors = vectors.data(),
        .vector_count = kVectorsMax + 1};
  EXPECT_EQ(run(op), -EINVAL);
  op.vector_count = kVectorsMax;
  EXPECT_EQ(run(op), static_cast<std::int32_t>(expected.size()));
  ASSERT_TRUE(turns->until([&] { return receiving.bytes.size() == expected.size(); }));
  EXPECT_TRUE(receiving.bytes == expected);
  stop(receiving);
  close(pair);
}

TEST_P(Conformance, large_vectored_sends_complete_whole) {
  const Pair pair = make_pair();
  std::string text = pattern(12U << 20, 10);
  std::vector<iovec> vectors;
  for (std::size_t i = 0; i < 12; ++i) vectors.push_back({text.data() + (i << 20), 1U << 20});
  Probe sending, receiving;
  turns->submit({.kind = OpKind::send,
                 .handle = pair.client,
                 .operation = &sending,
                 .vectors = vectors.data(),
                 .vector_count = 12});
  turns->settle();
  turns->submit(receive(pair.server, receiving));
  ASSERT_TRUE(turns->until([&] { return receiving.bytes.size() == text.size(); }));
  ASSERT_TRUE(turns->ended(sending));
  EXPECT_EQ(sending.last(), 12 << 20);
  EXPECT_TRUE(receiving.bytes == text);
  stop(receiving);
  close(pair);
}

TEST_P(Conformance, more_senders_than_receive_buffers_lose_nothing) {
  constexpr std::size_t kSenders = 24;
  constexpr std::size_t kSize = 300'000;
  struct Stream {
    Pair pair;
    std::string text;
    iovec vector{};
    Probe sending, receiving;
  };
  std::deque<Stream> streams;
  for (unsigned i = 0; i < kSenders; ++i) {
    Stream& stream = streams.emplace_back();
    stream.pair = make_pair();
    stream.text = pattern(kSize, i + 20);
    stream.vector = vector_of(stream.text);
  }
  for (Stream& stream : streams) turns->submit(send(stream.pair.client, stream.vector, stream.sending));
  turns->settle();  // every socket is full before anybody reads
  for (Stream& stream : streams) turns->submit(receive(stream.pair.server, stream.receiving));
  const auto whole = [](const Stream& stream) { return stream.receiving.bytes.size() == kSize; };
  ASSERT_TRUE(turns->until([&] { return std::ranges::all_of(streams, whole); }));
  for (Stream& stream : streams) {
    EXPECT_TRUE(stream.receiving.bytes == stream.text);
    EXPECT_FALSE(stream.receiving.ended);
    ASSERT_TRUE(turns->ended(stream.sending));
    stop(stream.receiving);
    close(stream.pair);
  }
}

TEST_P(Conformance, a_fast_sender_does_not_keep_a_slow_one_waiting) {
  const Pair fast = make_pair();
  const Pair slow = make_pair();
  std::string text = pattern(1U << 20, 30);
  const iovec vector = vector_of(text);
  Probe from_fast, from_slow;
  std::deque<Probe> sends;
  const std::function<void()> send_more = [&] {
    Probe& sending = sends.emplace_back();
    sending.on_completion = [&](const Completion& completion) {
      if (completion.result == 1 << 20 && from_slow.bytes.empty()) send_more();
    };
    turns->submit(send(fast.client, vector, sending));
  };
  turns->submit(receive(fast.server, from_fast));
  turns->submit(receive(slow.server, from_slow));
  send_more();
  ASSERT_TRUE(turns->until([&] { return from_fast.bytes.size() > (4U << 20); }));
  EXPECT_EQ(send_all(slow.client, "x"), 1);
  for (int i = 0; i < 500 && from_slow.bytes.empty(); ++i) turns->turn(std::chrono::milliseconds{20});
  ASSERT_EQ(from_slow.bytes, "x");
  ASSERT_TRUE(turns->until([&] { return sends.back().ended; }));
  stop(from_fast);
  stop(from_slow);
  close(fast);
  close(slow);
}

TEST_P(Conformance, bytes_stay_readable_until_the_next_turn) {
  const Pair pair = make_pair();
  Probe receiving;
  std::vector<std::span<const std::byte>> slices;
  receiving.on_completion = [&](const Completion& completion) { slices.push_back(completion.bytes); };
  turns->submit(receive(pair.server, receiving));
  const std::string text = pattern(150'000, 31);
  std::string send_text = text;
  const iovec vector = vector_of(send_text);
  Probe sending;
  turns->submit(send(pair.client, vector, sending));
  std::string copied;
  ASSERT_TRUE(turns->until([&] {
    // After all completions of the turn, not while they come.
    for (const auto slice : slices) copied.append(reinterpret_cast<const char*>(slice.data()), slice.size());
    slices.clear();
    return copied.size() == text.size();
  }));
  EXPECT_TRUE(copied == text);
  stop(receiving);
  close(pair);
}

TEST_P(Conformance, gives_every_completion_to_a_caller_who_takes_one_at_a_time) {
  start(small(), 1);
  const Pair pair = make_pair();
  Probe receiving;
  turns->submit(receive(pair.server, receiving));
  const std::string text = pattern(200'000, 33);
  EXPECT_EQ(send_all(pair.client, text), 200'000);
  ASSERT_TRUE(turns->until([&] { return receiving.bytes.size() == text.size(); }));
  EXPECT_TRUE(receiving.bytes == text);
  stop(receiving);
  close(pair);
}

TEST_P(Conformance, takes_a_batch_larger_than_its_queue) {
  constexpr std::size_t kPairs = 40;  // the submission queue has 16 entries
  std::deque<Pair> pairs;
  std::deque<Probe> probes;
  for (std::size_t i = 0; i < kPairs; ++i) pairs.push_back(make_pair());
  std::vector<Op> batch;
  std::string text = "250 OK\r\n";
  const iovec vector = vector_of(text);
  for (const Pair& pair : pairs) batch.push_back(receive(pair.server, probes.emplace_back()));
  for (const Pair& pair : pairs) batch.push_back(send(pair.client, vector, probes.emplace_back()));
  backend().submit(batch);
  const auto arrived = [&](std::size_t i) { return probes[i].bytes == text && probes[kPairs + i].ended; };
  for (std::size_t i = 0; i < kPairs; ++i) ASSERT_TRUE(turns->until([&] { return arrived(i); }));
  for (std::size_t i = 0; i < kPairs; ++i) {
    stop(probes[i]);
    close(pairs[i]);
  }
}

TEST_P(Conformance, accept_survives_the_want_of_descriptors) {
  Endpoint where;
  const Handle listening = listen(where);
  const Handle client = open_socket(where);
  // The limit first: io_uring goes by the one that it found when the accept was armed.
  world->limit_descriptors(true);
  Probe accepting;
  turns->submit(accept(listening, accepting));
  EXPECT_EQ(run({.kind = OpKind::connect, .handle = client, .address = &where}), 0);
  ASSERT_TRUE(turns->ended(accepting));
  EXPECT_EQ(accepting.results, std::vector<std::int32_t>{-EMFILE});
  world->limit_descriptors(false);
  Probe again;
  turns->submit(accept(listening, again));
  ASSERT_TRUE(turns->until([&] { return !again.results.empty(); }));
  EXPECT_GE(again.results.at(0), 0);
  stop(again);
  EXPECT_EQ(again.last(), -ECANCELED);
}

TEST_P(Conformance, operations_on_no_handle_give_ebadf) {
  const std::string path = world->directory() + "/closed";
  const auto file = backend().files().open(path, {.write = true, .create = true});
  ASSERT_TRUE(file.has_value());
  backend().files().close(file->handle);
  std::string text = "text";
  const iovec vector = vector_of(text);
  const Endpoint where{IpAddress::loopback(), 25};
  for (const Handle handle : {file->handle, Handle{-1}}) {
    for (const OpKind kind : {OpKind::accept, OpKind::receive, OpKind::send, OpKind::connect, OpKind::read,
                              OpKind::write, OpKind::sync, OpKind::finish, OpKind::shutdown, OpKind::close}) {
      const Op op{.kind = kind, .handle = handle, .vectors = &vector, .vector_count = 1, .address = &where};
      EXPECT_EQ(run(op), -EBADF) << static_cast<int>(kind);
    }
  }
}

TEST_P(Conformance, a_reused_descriptor_hears_nothing_of_its_earlier_user) {
  for (int round = 0; round < 20; ++round) {
    const Pair first = make_pair();
    Probe receiving;
    turns->submit(receive(first.server, receiving));
    EXPECT_EQ(send_all(first.client, "first"), 5);
    stop(receiving);
    close(first);
    const Pair second = make_pair();
    Probe fresh;
    turns->submit(receive(second.server, fresh));
    EXPECT_EQ(send_all(second.client, "second"), 6);
    ASSERT_TRUE(turns->until([&] { return fresh.bytes.size() >= 6; }));
    EXPECT_EQ(fresh.bytes, "second");
    stop(fresh);
    close(second);
  }
}

}  // namespace

}  // namespace ringpost::io::test
