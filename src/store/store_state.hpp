// The inside of a Store, in parts: changes and their frames (change.cpp), users (user*.cpp), deliveries (deliver.cpp), reading
// (read.cpp), snapshots (snapshot.cpp), moving (carry.cpp), start and end (start.cpp, bring.cpp), other cores (remote.cpp).
//
// Layer: durable, private. Owner: one core.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ringpost/shard/await.hpp"
#include "ringpost/shard/outbox.hpp"
#include "ringpost/store/limits.hpp"
#include "ringpost/store/store.hpp"

#include "account.hpp"
#include "blobs.hpp"
#include "figures.hpp"
#include "read_ahead.hpp"
#include "returning.hpp"
#include "sharing.hpp"

namespace ringpost::store {

class User;

// `parts` outlives it.
journal::Record record_of(RecordType type, BlobId id, std::span<const std::span<const std::byte>> parts);

// What is written and not durable yet; in the order of frames.
struct Flying {
  enum class Kind : std::uint8_t { change, moved_blob, moved_change };
  std::uint64_t frame = 0;
  Kind kind = Kind::change;
  std::shared_ptr<User> user;     // of a change
  std::uint64_t lsn = 0;          // the same
  std::vector<std::byte> change;  // the record
  const View* silent = nullptr;
  BlobId blob;                 // of a move: from `old` to `now`
  journal::Location old, now;  // now: also where a change stands
};

// Held until their change is durable or given up.
class NewBlobs {
 public:
  explicit NewBlobs(Store::State& store) : store_(store) {}
  NewBlobs(const NewBlobs&) = delete;
  NewBlobs& operator=(const NewBlobs&) = delete;
  ~NewBlobs();
  void add(BlobId id, std::uint64_t frame) {
    ids_.push_back(id);
    frames_.push_back(frame);
  }
  bool failed() const;  // a frame of theirs

 private:
  Store::State& store_;
  std::vector<BlobId> ids_;
  std::vector<std::uint64_t> frames_;
};

struct Store::State : std::enable_shared_from_this<Store::State> {
  State(shard::Core& on, Sharing::State& shared, StoreSettings with);
  friend FramePool& frame_pool(State& state) { return state.core.frames(); }

  // ---- writing. `records` are built anew by `build` each time there was no room: an error of it ends the attempt.
  using Build = std::function<Outcome<>(Batch& batch)>;
  struct Change {
    std::shared_ptr<User> user;
    Build build;
    bool state = true;  // may use the space that mail may not
    const View* silent = nullptr;
    NewBlobs* blobs = nullptr;
    const May* may = nullptr;  // asked before `build`
  };
  // Resumes when it is durable and visible.
  Task<Outcome<>> write(Change change);
  Task<Result<journal::Ticket>> put(std::span<const journal::Record> records,
                                    std::span<journal::Location> where, bool reserve);
  Task<Result<void>> put_message(const NewMessage& message, BlobId& id, NewBlobs& blobs);
  Task<Result<void>> put_bytes(BlobId id, std::span<const std::span<const std::byte>> pieces,
                               std::span<const std::byte> facts, NewBlobs& blobs);
  Task<Result<void>> put_chunks(BlobId id, std::span<const std::span<const std::byte>> pieces,
                                std::uint64_t size, std::span<const std::byte> facts, NewBlobs& blobs);
  // Applies, in order, what has become durable; takes back what has failed.
  void land();
  void take_back(Flying& failed);
  Result<void> open_for_mail() const;  // an error: disk or log take none now
  Outcome<> refuse(Error error);
  template <class T>
  Outcome<T> refuse_as(Error error) {
    return std::unexpected(refuse(std::move(error)).error());
  }

  // ---- snapshots
  void want_snapshot(const std::shared_ptr<User>& user);
  Task<void> write_snapshots(std::shared_ptr<State> self);
  Task<Result<void>> write_snapshot(std::shared_ptr<User> user);
  Task<Result<void>> write_pieces(std::shared_ptr<User> user);
  Task<Result<void>> write_facts(BlobId id, std::span<const std::byte> facts);

  // ---- moving
  Task<Result<void>> carry(const journal::RecordView& view);
  Task<Result<void>> carry_blob(const journal::RecordView& view);
  Task<Result<void>> carry_change(const journal::RecordView& view);
  void lost(const journal::RecordView& view);

  // ---- reading. `by`: who may be reading his mailbox in order; null: nobody
  Task<Result<Content>> read(BlobId id, std::uint64_t offset, std::uint64_t size, User* by = nullptr);
  Task<Result<std::vector<std::byte>>> facts(BlobId id, User* by = nullptr);
  Task<Result<std::vector<std::byte>>> read_record(journal::Location where);
  Task<std::optional<ReadAhead::Found>> look_ahead(BlobId id, User* by);

  // ---- users
  std::shared_ptr<User> find_user(UserId id) const;
  Task<Result<std::shared_ptr<User>>> open_user(std::string_view name);
  Task<Outcome<Delivered>> deliver_here(const Delivery& delivery);
  void confirm_here(UserId user, Origin origin);
  void check_origins_of(User& user);
  Task<void> check_origins(std::shared_ptr<State> self, std::shared_ptr<User> of);
  Task<void> write_confirmed(std::shared_ptr<State> self, std::shared_ptr<User> user, Origin origin);

  // ---- start and end
  void visit(const journal::RecordView& view);
  void visited(const Result<void>& read);
  Task<Result<void>> settle();
  Task<Result<void>> wait_for_all(Sharing::State::Phase phase);
  void give_away();
  void take_in();
  void hold_for_others();
  void keep_no_more();
  void settle_users();
  Task<void> close();
  void upkeep();
  void say_damaged(std::string_view text);

  // ---- bringing users here from other cores
  Task<void> bring_all(std::shared_ptr<State> self);
  Task<Result<void>> bring(std::shared_ptr<User> user);
  struct Brought {
    BlobPart part;
    std::uint64_t frame = 0;
  };
  Task<Result<void>> bring_blob(BlobId id);
  Task<Result<void>> copy_parts(BlobId id, unsigned holder, std::vector<Brought>& brought);
  Task<Result<std::vector<std::byte>>> ask_part(BlobId id, unsigned holder, const BlobPart& part);
  void let_go(UserId user);  // the other core has all of it

  // ---- other cores. Runs `work` there, in a coroutine of that core, while the caller waits; its frame keeps `work`.
  using Work = std::function<Task<void>(State& there)>;
  Task<void> call(unsigned there, Work work);
  struct Calling;
  static Task<void> serve(std::shared_ptr<State> there, Calling& calling);

  shard::Core& core;
  Sharing::State& sharing;
  StoreSettings settings;
  Figures figures;
  journal::Log* log = nullptr;
  Join joined;
  Blobs blobs;
  ReadAhead ahead{core, blobs, figures};
  std::unordered_map<std::uint64_t, std::shared_ptr<User>> users;
  std::unordered_map<std::uint64_t, std::unique_ptr<Returning>> returning;  // until settled
  std::deque<Flying> flying;
  std::uint64_t newest_frame = 0;
  Result<void> read_result;
  bool read_over = false;
  bool settled = false;
  bool closing = false;
  unsigned background = 0;
  shard::Signal quiet;

  // Records of users that another core owns; they count until it has all in its own log.
  std::unordered_map<std::uint64_t, std::vector<journal::Location>> lent;
  // Blobs that are missing here, and who has them or some of their parts; and how often the disk there did not give one.
  std::unordered_map<std::uint64_t, std::vector<unsigned>> from;
  std::unordered_map<std::uint64_t, unsigned> unread;
  std::vector<std::shared_ptr<User>> arriving;

  std::deque<std::shared_ptr<User>> snapshots_due;
  bool writing_snapshots = false;

  std::unique_ptr<shard::Outbox> outbox;
  std::vector<std::size_t> calls_out;  // by core
  std::uint64_t damage_notices = 0;
};

// One user on his owner core.
class User final : public UserMail, public std::enable_shared_from_this<User> {
 public:
  User(Store::State& store, std::unique_ptr<Account> account);

  UserId id() const override { return account->id(); }
  const std::string& name() const override { return account->name(); }
  unsigned core() const override;
  std::vector<const Mailbox*> mailboxes() const override;
  const Mailbox* find(std::string_view name) const override;
  const Mailbox* find(MailboxId id) const override { return account->find(id); }
  std::vector<std::string> subscriptions() const override;
  bool subscribed(std::string_view name) const override;
  std::uint64_t bytes_used() const override { return account->bytes(); }
  std::uint64_t messages_used() const override { return account->messages(); }
  Quota quota() const override;

  std::unique_ptr<Incoming> receive(std::uint64_t size) override;
  Outcome<std::unique_ptr<Reserved>> reserve(std::uint64_t messages, std::uint64_t bytes,
                                             Sender sender) override;
  Task<Outcome<Appended>> append(MailboxId to, std::span<const NewMessage> messages, May may) override;
  Task<Outcome<Appended>> replace(MailboxId from, Uid old, MailboxId to, const NewMessage& message,
                                  May may) override;
  Task<Outcome<FlagsChanged>> change_flags(MailboxId in, UidSet which, FlagChange change, May may) override;
  Task<Outcome<UidSet>> expunge(MailboxId in, UidSet which, bool only_deleted, May may) override;
  Task<Outcome<Copied>> copy(MailboxId from, UidSet which, MailboxId to, FlagsKept kept, May may) override;
  Task<Outcome<Copied>> move(MailboxId from, UidSet which, MailboxId to, FlagsKept kept, May may) override;
  Task<Result<Content>> read(BlobId blob, std::uint64_t offset, std::uint64_t size) override;
  Task<Result<std::vector<std::byte>>> facts(BlobId blob) override;
  Task<Outcome<MailboxId>> create(std::string_view name, SpecialUse use, May may) override;
  Task<Outcome<>> rename(MailboxId mailbox, std::string_view to, May may) override;
  Task<Outcome<>> remove(MailboxId mailbox, May may) override;
  Task<Outcome<>> set_special_use(MailboxId mailbox, SpecialUse use) override;
  Task<Outcome<>> number(MailboxId mailbox, std::uint32_t uid_validity, Uid uid_next) override;
  Task<Outcome<>> subscribe(std::string_view name, bool on) override;
  const AnnotationMap& annotations(MailboxId of) const override;
  Task<Outcome<>> annotate(MailboxId on, std::span<const Annotation> entries, May may) override;
  const AccessList& access_list(MailboxId of) const override;
  Task<Outcome<>> set_access(MailboxId on, std::string identifier, Rights rights, RightsChange how,
                             May may) override;
  void add_watcher(Watcher& watcher) override { account->watchers().add(watcher); }
  void remove_watcher(Watcher& watcher) override { account->watchers().remove(watcher); }
  Task<Result<void>> prepare(BlobId blob, std::span<const std::byte> facts) override;
  Task<Result<void>> rebuild() override;
  FramePool& frames() override;

  // ---- within the store
  Task<Outcome<Appended>> append_from(MailboxId to, std::span<const NewMessage> messages, Origin origin,
                                      May may = {});
  Task<Outcome<>> make_inbox(std::string name);
  Task<Outcome<>> end_user();
  Outcome<> check_quota(std::uint64_t bytes, std::uint64_t count) const;

  // One change that depends on the state at a time. Held until it dies.
  class Turn {
   public:
    explicit Turn(std::shared_ptr<User> user) : user_(std::move(user)) { user_->busy = true; }
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (user_ == nullptr) return;
      user_->busy = false;
      user_->turn_over.notify_one();
    }

   private:
    std::shared_ptr<User> user_;
  };
  Task<Turn> take_turn();

  Store::State& store;
  std::unique_ptr<Account> account;
  ReadingOrder reading;
  std::uint64_t next_lsn = 1;
  bool busy = false;
  shard::Signal turn_over;
  // Reserved for what is on its way: see reserve().
  struct Room {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  Room reserved_by_owner, reserved_by_others;
  // On their way: counted against the quota, and not yet there.
  std::uint64_t bytes_coming = 0;
  std::uint64_t messages_coming = 0;
  std::set<Origin> origins_coming;
  // With so many origins the queues are asked which of them have ended.
  std::size_t origins_checked_at = kOriginsAtOnce;
  bool checks_origins = false;
  Instant origins_not_before;

  // Where the log has it.
  std::vector<journal::Location> snapshot_places;
  std::uint64_t snapshot_size = 0;
  std::map<std::uint64_t, journal::Location> change_places;
  std::uint64_t change_bytes = 0;
  bool snapshot_due = false;
  bool is_snapshotting = false;
  bool is_arriving = false;

 private:
  Task<Outcome<Copied>> transfer(MailboxId from, UidSet which, MailboxId to, bool and_expunge, FlagsKept kept,
                                 May may);
  Outcome<> check_room(std::span<const NewMessage> messages) const;
  // `added`: names that this batch has given bits already.
  Outcome<KeywordBits> keyword_bits(Batch& batch, const Mailbox& box, std::span<const std::string> names,
                                    std::vector<std::string>& added) const;
  bool knows_keywords(const Mailbox& box, std::span<const NewMessage> messages) const;
  Outcome<MailboxId> add_mailbox(Batch& batch, std::string_view name, SpecialUse use,
                                 std::optional<MailboxId> like = {});
  Outcome<> rename_tree(Batch& batch, const Mailbox& box, const std::string& to);
  Outcome<> copy_access(Batch& batch, MailboxId from, std::span<const MailboxId> to) const;
  void copy_annotations(Batch& batch, MailboxId from, MailboxId to) const;
  Outcome<> move_inbox(Batch& batch, const std::string& to);
  Outcome<> write_copy(Batch& batch, Mailbox& from, const UidSet& which, Mailbox& to, bool moves,
                       FlagsKept kept, Copied& copied);
};

std::unexpected<Failure> refused(Refused why, std::string text);
std::unexpected<Failure> failed(Error error);

}  // namespace ringpost::store
