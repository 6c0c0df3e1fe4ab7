// A store in the log of a spool, on a machine that may be restarted or lose its power.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/journal/format.hpp"
#include "ringpost/spool/spool.hpp"
#include "ringpost/store/limits.hpp"
#include "ringpost/store/store.hpp"

#include "support/machine.hpp"

namespace ringpost::store::testing {

using ringpost::testing::Machine;
using ringpost::testing::WriteFault;

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string text_of(const Content& content) {
  std::string text;
  for (const auto piece : content.pieces())
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  return text;
}

class Silence final : public spool::Announcements {
 public:
  void queued(const spool::Queued&) override {}
};

struct Mail {
  std::string text;
  Flags flags = Flags::none;
  std::vector<std::string> keywords;
  std::string facts;
};

// The next frame fails; other writes (headers of segments) do not. `broken` says that it has been.
inline std::function<std::optional<WriteFault>(const io::Op&)> fail_next_frame(bool& broken,
                                                                               bool reaches_disk) {
  return [&broken, reaches_disk](const io::Op& op) -> std::optional<WriteFault> {
    if (op.offset < journal::kFirstFrame || std::exchange(broken, true)) return std::nullopt;
    return WriteFault{.result = -EIO, .reaches_disk = reaches_disk};
  };
}

// A message of the queue, whose deliveries are remembered until it has ended.
inline Task<MessageId> enqueue(spool::Spool& spool) {
  mail::Envelope envelope;
  envelope.set_reverse_path("from@example.org");
  envelope.add_recipient({.address = "anna@example.org"});
  const std::array pieces{bytes_of("queued")};
  const MessageId id = spool.next_id();
  mail::ArrivalFacts facts;
  facts.body.size = pieces[0].size();
  EXPECT_TRUE(co_await spool.accept(id, envelope, facts, pieces));
  co_return id;
}

// All that a user sees, in a form that can be compared.
struct Seen {
  struct Message {
    std::string text;
    Flags flags = Flags::none;
    std::set<std::string> keywords;
    std::uint64_t modseq = 0;
    std::int64_t internal_date = 0;
    bool operator==(const Message&) const = default;
  };
  struct Box {
    std::uint32_t uid_validity = 0;
    std::uint32_t uid_next = 1;
    std::uint64_t highest_modseq = 0;
    std::map<std::uint32_t, Message> messages;
    std::map<std::string, std::string> access;
    bool operator==(const Box&) const = default;
  };
  std::map<std::string, Box> boxes;
  std::vector<std::string> subscriptions;
  std::uint64_t bytes = 0;
  bool operator==(const Seen&) const = default;
};

template <class Runner>
class Client {
 public:
  explicit Client(Runner& on) : runner_(on) {}

  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    EXPECT_TRUE(runner_.run(keep(std::move(task), result)));
    return std::move(*result);
  }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  Runner& runner_;
};

// One core.
class Mailroom {
 public:
  explicit Mailroom(Machine& on) : machine(on), client(on) {
    options.directory = machine.directory() + "/queue";
    options.segment_size = 1_MiB;
    options.buffer_memory = 6_MiB;
    options.free_space_min = Percent{0};
    options.segments_ahead = 2;
    options.compact_after = Duration{0};
  }

  Task<Result<void>> do_open(spool::SpoolStart start) {
    sharing = std::make_unique<Sharing>(1);
    store = std::make_unique<Store>(machine.core(), *sharing, settings);
    spool =
        RP_CO_TRY(co_await spool::Spool::open(machine.core(), options, std::move(start), {}, store.get()));
    co_return co_await spool->start(silence);
  }
  void open() {
    auto start = spool::start_spool(machine.files(), options);
    ASSERT_TRUE(start) << start.error().text;
    lock = start->lock;
    const auto opened = client.run(do_open(*start));
    ASSERT_TRUE(opened) << opened.error().text;
  }
  void close() {
    if (!spool) return;
    users.clear();
    EXPECT_TRUE(machine.run(spool->close()));
    spool.reset();
    store.reset();
    machine.files().close(lock);
  }
  void reopen() {
    close();
    machine.restart();
    open();
  }
  void lose_power() {
    // They stand still for ever, as the core does.
    static auto* graves = new std::vector<std::map<std::string, std::shared_ptr<UserMail>>>;
    graves->push_back(std::exchange(users, {}));
    Machine::abandon(spool);
    Machine::abandon(store);
    Machine::abandon(sharing);
    machine.power_cut();
  }

  UserMail& user(const std::string& name = "anna@example.org") {
    auto& kept = users[name];
    if (kept == nullptr) {
      auto opened = client.run(store->open(name));
      EXPECT_TRUE(opened) << opened.error().text;
      kept = opened.value_or(nullptr);
    }
    return *kept;
  }

  Task<Outcome<Appended>> do_append(UserMail& to, MailboxId box, std::vector<Mail> mails) {
    std::vector<std::vector<std::span<const std::byte>>> pieces;
    std::vector<NewMessage> messages;
    for (const Mail& mail : mails) {
      const auto whole = bytes_of(mail.text);
      pieces.push_back({whole.first(whole.size() / 3), {}, whole.subspan(whole.size() / 3)});
    }
    for (std::size_t i = 0; i < mails.size(); ++i)
      messages.push_back({.pieces = pieces[i],
                          .facts = bytes_of(mails[i].facts),
                          .flags = mails[i].flags,
                          .keywords = mails[i].keywords,
                          .internal_date = 1'000'000 + static_cast<std::int64_t>(mails[i].text.size())});
    co_return co_await to.append(box, messages);
  }
  Outcome<Appended> try_append(std::vector<Mail> mails, MailboxId box = kInbox) {
    return client.run(do_append(user(), box, std::move(mails)));
  }
  Uid append(std::string text, MailboxId box = kInbox) {
    auto done = try_append({Mail{.text = std::move(text)}}, box);
    EXPECT_TRUE(done) << done.error().error.text;
    return done ? done->uids.front() : Uid{};
  }
  Task<Outcome<Delivered>> do_deliver(std::string to, std::string mailbox, std::string text, Origin origin) {
    const std::array pieces{bytes_of(text)};
    co_return co_await store->deliver(
        {.user = to, .mailbox = mailbox, .message = {.pieces = pieces}, .origin = origin});
  }
  Outcome<Delivered> deliver(std::string text, Origin origin = {}, std::string mailbox = "",
                             std::string to = "anna@example.org") {
    return client.run(do_deliver(std::move(to), std::move(mailbox), std::move(text), origin));
  }
  std::string text(const Message& message) {
    auto content = client.run(user().read(message));
    EXPECT_TRUE(content) << content.error().text;
    return content ? text_of(*content) : "damaged";
  }

  Seen see(UserMail& at) {
    Seen seen;
    std::set<std::string> readers;
    for (const Mailbox* box : at.mailboxes()) {
      Seen::Box& into = seen.boxes[box->name()];
      into = {box->uid_validity(), box->uid_next().value, box->highest_modseq().value, {}, {}};
      for (const auto& [identifier, rights] : at.access_list(box->id())) {
        into.access[identifier] = rights.to_string();
        readers.insert(identifier);
      }
      std::size_t unseen = 0;
      std::uint64_t size = 0;
      for (const Message& message : std::vector(box->messages().begin(), box->messages().end())) {
        Seen::Message& one = into.messages[message.uid.value];
        one = {text(message), message.flags, {}, message.modseq.value, message.internal_date};
        for (std::size_t bit = 0; bit < box->keywords().size(); ++bit)
          if ((message.keywords >> bit & 1U) != 0) one.keywords.insert(box->keywords()[bit]);
        EXPECT_EQ(one.text.size(), message.size);
        unseen += has(message.flags, Flags::seen) ? 0 : 1;
        size += message.size;
      }
      EXPECT_EQ(box->unseen(), unseen);
      EXPECT_EQ(box->size(), size);
      EXPECT_EQ(box->count(), into.messages.size());
      seen.bytes += size;
    }
    for (const char* reader : {"r0", "r1", "r2"})
      EXPECT_EQ(store->shares_with(at.name(), reader), readers.contains(reader)) << reader;
    seen.subscriptions = at.subscriptions();
    EXPECT_EQ(at.bytes_used(), seen.bytes);
    return seen;
  }
  Seen see() { return see(user()); }

  void let_it_compact(Duration time = std::chrono::seconds{6}) {
    const Instant until = machine.core().now() + time;
    machine.turn_until([&] { return machine.core().now() >= until; });
  }

  Machine& machine;
  Client<Machine> client;
  spool::SpoolOptions options;
  StoreSettings settings;
  io::Handle lock;
  std::unique_ptr<Sharing> sharing;
  std::unique_ptr<Store> store;
  std::unique_ptr<spool::Spool> spool;
  Silence silence;
  std::map<std::string, std::shared_ptr<UserMail>> users;
};

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { at.open(); }
  ~StoreTest() override { at.close(); }

  template <class T>
  T run(Task<T> task) {
    return at.client.run(std::move(task));
  }
  MailboxId make(std::string name) {
    auto made = run(at.user().create(name));
    EXPECT_TRUE(made) << made.error().error.text;
    return made.value_or(MailboxId{});
  }
  const Mailbox& box(std::string_view name = "INBOX") { return *at.user().find(name); }
  static UidSet uids(std::initializer_list<std::uint32_t> values) {
    UidSet set;
    for (const std::uint32_t value : values) set.add({Uid{value}, Uid{value}});
    return set;
  }

  Machine machine{std::make_shared<io::SimWorld>(7)};
  Mailroom at{machine};
};

}  // namespace ringpost::store::testing
