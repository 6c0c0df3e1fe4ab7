#include "ringpost/deliver/local.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <sys/stat.h>

#include "ringpost/deliver/local_limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/mime.hpp"
#include "ringpost/scan/find.hpp"
#include "ringpost/shard/await.hpp"

#include "local_expansion.hpp"
#include "local_file.hpp"
#include "local_rules.hpp"
#include "local_runner.hpp"

namespace ringpost::deliver {

namespace {

std::string forward_key(const std::string& address) {
  return "address:" + address;
}

std::string message_key(std::span<const Forward> message) {
  std::string key = "message:" + message.front().owner;
  for (const Forward& each : message) key += "\n" + each.address;
  return key;
}

// Two names of one user are one mailbox, and one origin.
std::string stored_key(const std::string& user) {
  return "store:" + user;
}

bool is_finished(const LocalRequest& request, const std::string& key) {
  return request.finished != nullptr && request.finished->contains(key);
}

// Whether the nearest folder above `path` that exists is ours. Blocking.
bool folder_is_ours(std::string path, std::uint32_t uid) {
  struct stat found{};
  do {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) return false;
    path.resize(slash);
  } while (::stat(path.c_str(), &found) != 0);
  return found.st_uid == uid;
}

std::string_view kind_name(DeliveryOrder::Kind kind) {
  switch (kind) {
    case DeliveryOrder::Kind::maildir:
      return "maildir:";
    case DeliveryOrder::Kind::mbox:
      return "mbox:";
    default:
      return "pipe:";
  }
}

}  // namespace

// What does not fit is sent on again by each attempt: nobody else knows of it.
void mark_forwarded(std::span<const Forward> message, FinishedTargets& finished, bool whole) {
  if (whole)
    finished.add(message_key(message));
  else
    for (const Forward& each : message) finished.add(forward_key(each.address));
}

void mark_stored(std::span<const std::string> users, FinishedTargets& finished) {
  for (const std::string& user : users) finished.add(stored_key(user));
}

bool is_stored(const std::string& user, const FinishedTargets& finished) {
  return finished.contains(stored_key(user));
}

bool is_forwarded_whole(std::span<const Forward> message, const FinishedTargets& finished) {
  return finished.contains(message_key(message));
}

struct Local::State {
  State(shard::Core& home, Users source, HelperClient* helper)
      : core(home), users(std::move(source)), runner(home, helper) {}
  shard::Core& core;
  Users users;
  LocalRunner runner;
  std::shared_ptr<const LocalRules> rules;
  store::Store* store = nullptr;
};

namespace {

DeliveryOutcome outcome_of(const store::Failure& failure) {
  const std::string& text = failure.error.text;
  switch (failure.why) {
    case store::Refused::over_quota:
    case store::Refused::limit:
      return DeliveryOutcome::deferred(452, {4, 2, 2}, text);
    case store::Refused::too_large:
      return DeliveryOutcome::failed(552, {5, 3, 4}, text);
    default:
      break;
  }
  if (failure.error.kind == ErrorKind::exhausted) return DeliveryOutcome::deferred(452, {4, 3, 1}, text);
  // What does not pass by itself is the operator's to mend: the mail waits.
  return DeliveryOutcome::deferred(451, {4, 3, failure.error.temporary() ? std::uint8_t{0} : std::uint8_t{5}},
                                   text);
}

// One delivery, from the recipient to the result.
class LocalDelivery {
 public:
  LocalDelivery(shard::Core& core, LocalRunner& runner, std::shared_ptr<const LocalRules> rules,
                std::shared_ptr<const accounts::Directory> directory, store::Store* store,
                const LocalRequest& request)
      : core_(core),
        runner_(runner),
        rules_(std::move(rules)),
        directory_(std::move(directory)),
        store_(store),
        request_(request),
        body_(request.body) {}

  Task<LocalResult> run() {
    Expansion expansion(core_, *rules_, *directory_, runner_, body_, !request_.reverse_path.empty());
    co_await expansion.expand(request_.recipient);
    several_ = expansion.targets.size() + expansion.forward.size() + expansion.problems.size() > 1;
    for (Expansion::Problem& problem : expansion.problems)
      note(std::move(problem.outcome), "", problem.owner);
    for (const LocalTarget& target : expansion.targets) co_await deliver(target);
    for (Forward& forward : expansion.forward)
      if (!is_finished(request_, forward_key(forward.address))) result_.forward.push_back(std::move(forward));
    if (result_.target.empty() || several_) result_.target = "alias";
    conclude();
    co_return std::move(result_);
  }

  friend FramePool& frame_pool(LocalDelivery& delivery) { return delivery.core_.frames(); }

 private:
  Task<void> deliver(const LocalTarget& target) {
    const std::string key = target.key();
    if (is_finished(request_, key)) co_return;
    if (target.kind == LocalTarget::Kind::mailbox && rules_->location.kind == Location::Kind::lmtp) {
      take_lmtp(target);
      co_return;
    }
    if (target.kind == LocalTarget::Kind::mailbox && rules_->location.kind == Location::Kind::store) {
      if (is_finished(request_, stored_key(lower(target.user.name)))) co_return;
      note(co_await store_mail(target), target.user.name, target.owner);
      co_return;
    }
    auto order = co_await plan(target);
    if (!order) {
      note(std::move(order).error(), target.user.name, target.owner);
      co_return;
    }
    ran_ = true;
    result_.target = std::string(kind_name(order->kind)) + order->target;
    DeliveryOutcome outcome = co_await runner_.run(*std::move(order), body_);
    if (outcome.kind == DeliveryOutcome::Kind::done && several_ && request_.finished != nullptr)
      request_.finished->add(key);  // what does not fit is done again
    note(std::move(outcome), target.user.name, target.owner);
  }

  Task<DeliveryOutcome> store_mail(const LocalTarget& target) {
    const std::string user = lower(target.user.name);
    result_.target = stored_key(user);
    if (store_ == nullptr)
      co_return DeliveryOutcome::deferred(451, {4, 3, 5}, "there is no store of mailboxes");
    const std::string trace = trace_fields(blank_order(target));
    std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(trace))};
    pieces.insert(pieces.end(), request_.body.begin(), request_.body.end());
    const std::string structure = co_await structure_of(pieces);
    const auto delivered =
        co_await store_->deliver({.user = user,
                                  .mailbox = request_.junk ? "Junk" : "",
                                  .message = {.pieces = pieces, .facts = std::as_bytes(std::span(structure))},
                                  .origin = {request_.id, request_.recipient_index}});
    if (!delivered) co_return outcome_of(delivered.error());
    result_.stored.push_back(user);
    co_return DeliveryOutcome::done();
  }

  // What IMAP asks of a message (ENVELOPE, BODYSTRUCTURE, places of parts), made while its bytes are at hand. The store leaves
  // away what is too long for it.
  Task<std::string> structure_of(std::span<const std::span<const std::byte>> pieces) {
    mail::MimeReader reader;
    std::size_t turn = 0;
    for (auto piece : pieces)
      while (!piece.empty()) {
        const auto part = piece.first(std::min(piece.size(), kPreparedAtOnce));
        reader.write(scan::as_text(part));
        piece = piece.subspan(part.size());
        turn += part.size();
        if (turn < kPreparedAtOnce) continue;
        turn = 0;
        co_await shard::Yield{core_};
      }
    co_return reader.finish();
  }

  // The server takes one recipient of this delivery; others become messages of their own.
  void take_lmtp(const LocalTarget& target) {
    const std::string name(target.user.name.substr(0, target.user.name.rfind('@')));
    std::string address =
        target.direct ? std::string(request_.recipient) : mail::quote_local_part(name) + "@" + target.domain;
    if (!result_.lmtp_recipient.empty()) {
      if (!is_finished(request_, forward_key(address)))
        result_.forward.push_back({std::move(address), target.owner});
      return;
    }
    result_.lmtp_server = rules_->location.text;
    result_.lmtp_recipient = std::move(address);
    result_.lmtp_sender = target.owner;
    result_.target = "lmtp:" + result_.lmtp_server;
  }

  DeliveryOrder blank_order(const LocalTarget& target) const {
    const auto [local_part, domain] = mail::split_address(request_.recipient);
    return {.from_forward = target.from_forward,
            .uid = runner_.uid(),
            .gid = runner_.gid(),
            .user = target.user.name,
            .home = target.user.home,
            .hostname = rules_->settings.hostname,
            .reverse_path = target.owner.empty() ? std::string(request_.reverse_path) : target.owner,
            .recipient = std::string(request_.recipient),
            .original_recipient = std::string(request_.original_recipient),
            .local_part = mail::unquote_local_part(local_part),
            .extension = target.extension,
            .domain = std::string(domain),
            .timeout = rules_->settings.mailboxes.command_timeout};
  }

  static void act_as(DeliveryOrder& order, const accounts::User& user) {
    order.uid = *user.uid;
    order.gid = user.gid.value_or(order.gid);
  }

  Task<std::expected<DeliveryOrder, DeliveryOutcome>> plan(const LocalTarget& target) {
    DeliveryOrder order = blank_order(target);
    if (target.kind == LocalTarget::Kind::mailbox) co_return co_await plan_mailbox(target, std::move(order));
    order.target = target.text;
    order.kind = target.kind == LocalTarget::Kind::command ? DeliveryOrder::Kind::command
                 : target.text.ends_with('/')              ? DeliveryOrder::Kind::maildir
                                                           : DeliveryOrder::Kind::mbox;
    while (order.kind == DeliveryOrder::Kind::maildir && order.target.size() > 1 &&
           order.target.ends_with('/'))
      order.target.pop_back();
    if (target.from_forward) act_as(order, target.user);
    if (!target.from_forward) order.home.clear();
    if (order.user.empty()) order.user = order.local_part;
    co_return order;
  }

  Task<std::expected<DeliveryOrder, DeliveryOutcome>> plan_mailbox(const LocalTarget& target,
                                                                   DeliveryOrder order) {
    const Location& location = rules_->location;
    order.domain = target.domain;
    const auto path = expand_location(location, names_for(target.user.name, target.user.home, target.domain));
    if (!path) {
      const std::string& text = path.error().text;
      co_return std::unexpected(path.error().temporary() ? DeliveryOutcome::deferred(451, {4, 3, 5}, text)
                                                         : DeliveryOutcome::failed(550, {5, 1, 1}, text));
    }
    order.target = *path;
    order.kind = location.kind == Location::Kind::command ? DeliveryOrder::Kind::command
                 : location.kind == Location::Kind::mbox  ? DeliveryOrder::Kind::mbox
                                                          : DeliveryOrder::Kind::maildir;
    if (request_.junk && order.kind == DeliveryOrder::Kind::maildir) order.target += kJunkFolder;
    if (!target.user.uid || *target.user.uid == runner_.uid()) co_return order;
    if (runner_.has_helper()) {
      if (co_await belongs_to_user(order)) act_as(order, target.user);
      co_return order;
    }
    if (location.needs_home())
      co_return std::unexpected(
          DeliveryOutcome::deferred(451, {4, 3, 5},
                                    "mail into the home of " + target.user.name +
                                        " needs the delivery helper: start the server as root, or set "
                                        "mailboxes.location to a path without ~"));
    order.home.clear();
    co_return order;
  }

  // A path outside of homes belongs to the service, unless it is the system's folder of mailboxes, as /var/mail.
  Task<bool> belongs_to_user(const DeliveryOrder& order) {
    const Location& location = rules_->location;
    if (location.needs_home() || location.kind == Location::Kind::command) co_return true;
    if (location.kind != Location::Kind::mbox) co_return false;
    co_return !co_await shard::offload(
        core_, [path = order.target, uid = runner_.uid()] { return folder_is_ours(path, uid); });
  }

  // Keeps the first of each kind.
  void note(DeliveryOutcome outcome, const std::string& who, const std::string& owner) {
    if (outcome.kind == DeliveryOutcome::Kind::done) {
      done_ = std::move(outcome.reply);
      return;
    }
    auto& kept = outcome.kind == DeliveryOutcome::Kind::deferred ? deferred_ : failed_;
    if (kept) return;
    if (outcome.kind == DeliveryOutcome::Kind::failed) result_.owner = owner;
    if (several_ && !who.empty()) outcome.reply.text = who + ": " + outcome.reply.text;
    kept = std::move(outcome.reply);
  }

  void conclude() {
    using Kind = LocalResult::Kind;
    result_.only_stored =
        !ran_ && !result_.stored.empty() && result_.forward.empty() && result_.lmtp_recipient.empty();
    if (deferred_) {
      result_.kind = Kind::deferred;
      result_.reply = *std::move(deferred_);
    } else if (!result_.lmtp_recipient.empty()) {
      result_.kind = Kind::lmtp;
      if (failed_) result_.reply = *std::move(failed_);
    } else if (failed_) {
      result_.kind = Kind::failed;
      result_.reply = *std::move(failed_);
    } else {
      result_.kind = result_.forward.empty() ? Kind::delivered : Kind::forwarded;
      result_.reply = done_ ? *std::move(done_) : mail::Reply{250, {2, 0, 0}, "Expanded"};
    }
  }

  shard::Core& core_;
  LocalRunner& runner_;
  std::shared_ptr<const LocalRules> rules_;
  std::shared_ptr<const accounts::Directory> directory_;
  store::Store* store_;
  const LocalRequest& request_;
  SharedBody body_;
  bool several_ = false;
  bool ran_ = false;  // an order: it may have taken a thread, or a process
  std::optional<mail::Reply> done_, deferred_, failed_;
  LocalResult result_;
};

}  // namespace

Local::Local(std::unique_ptr<State> state) : state_(std::move(state)) {}
Local::~Local() = default;
shard::Core& Local::core() {
  return state_->core;
}

Result<std::unique_ptr<Local>> Local::make(shard::Core& core, Users users, HelperClient* helper,
                                           LocalSettings settings) {
  auto state = std::make_unique<State>(core, std::move(users), helper);
  state->rules = RP_TRY(LocalRules::make(std::move(settings)));
  return std::unique_ptr<Local>(new Local(std::move(state)));
}

Result<void> Local::set_settings(LocalSettings settings) {
  state_->rules = RP_TRY(LocalRules::make(std::move(settings)));
  return {};
}

void Local::abort() {
  state_->runner.abort();
}

Task<LocalResult> Local::deliver(LocalRequest request) {
  LocalDelivery delivery(state_->core, state_->runner, state_->rules, state_->users(), state_->store,
                         request);
  co_return co_await delivery.run();
}

void Local::use_store(store::Store* store) {
  state_->store = store;
}

void Local::confirm(MessageId id, std::uint32_t recipient_index, std::span<const std::string> stored) {
  for (const std::string& user : stored)
    state_->store->confirm(store::user_id_of(user), {id, recipient_index});
}

Result<mail::AliasTable> Local::alias_table(std::string_view aliases_text) {
  return read_aliases(aliases_text);
}

}  // namespace ringpost::deliver
