// METADATA (RFC 5464): what clients note on mailboxes, and on what is theirs as a whole. What is private is the owner's, and kept as
// what is shared is; on mailboxes of others there is nothing private.
#include <algorithm>
#include <map>

#include "ringpost/imap/limits.hpp"
#include "ringpost/store/limits.hpp"

#include "imap_conversation.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

static_assert(imap::kMetadataValueBytesMax == store::kAnnotationSizeMax);
static_assert(imap::kMetadataNameBytesMax == store::kAnnotationNameMax);

namespace {

constexpr std::string_view kAdmin = "/shared/admin";
constexpr std::string_view kShared = "/shared";

// Whether `name` is `place`, or so far below it as was asked.
bool reaches(std::string_view place, std::string_view name, imap::GetMetadata::Depth depth) {
  if (!name.starts_with(place)) return false;
  const std::string_view below = name.substr(place.size());
  if (below.empty()) return true;
  if (below.front() != '/' || depth == imap::GetMetadata::Depth::entry) return false;
  return depth == imap::GetMetadata::Depth::all || below.find('/', 1) == std::string_view::npos;
}

// What is told of entries: each once, and of what was asked and is not there that it is not.
class Told {
 public:
  explicit Told(const imap::GetMetadata& asked) : asked_(asked) {}

  void look(const store::AnnotationMap& there) {
    for (const std::string& place : asked_.entries) {
      bool found = false;
      for (auto each = there.lower_bound(place); each != there.end() && each->first.starts_with(place);
           ++each)
        if (reaches(place, each->first, asked_.depth)) {
          found = true;
          take(each->first, each->second);
        }
      if (!found) entries_.try_emplace(place);
    }
  }
  std::vector<imap::MetadataEntry> entries() const {
    std::vector<imap::MetadataEntry> all;
    for (const auto& [name, value] : entries_) all.push_back({name, value});
    return all;
  }
  std::uint64_t longest_left_out() const { return longest_left_out_; }

 private:
  void take(const std::string& name, const std::string& value) {
    if (asked_.value_size_max && value.size() > *asked_.value_size_max)
      longest_left_out_ = std::max<std::uint64_t>(longest_left_out_, value.size());
    else
      entries_[name] = value;
  }

  const imap::GetMetadata& asked_;
  std::map<std::string, std::optional<std::string>> entries_;
  std::uint64_t longest_left_out_ = 0;
};

}  // namespace

namespace {

store::AnnotationMap only_shared(const store::AnnotationMap& all) {
  store::AnnotationMap shared;
  for (auto each = all.lower_bound(kShared); each != all.end() && each->first.starts_with(kShared); ++each)
    shared.insert(*each);
  return shared;
}

// RFC 5464 section 4.3. Said to who may see the mailbox only.
Task<Answer> refuse_private(store::UserMail&, const store::Mailbox&, store::Rights) {
  co_return Answer::no(imap::codes::kMetadataNoPrivate, "Nothing private is kept on mailboxes of others");
}

Answer done_or_not(const store::Outcome<>& done) {
  if (done) return Answer::ok();
  switch (done.error().why) {
    case store::Refused::too_large:
      return Answer::no(imap::codes::metadata_max_size(store::kAnnotationSizeMax), "A value is too large");
    case store::Refused::limit:
      return Answer::no(imap::codes::kMetadataTooMany, "There are too many entries");
    default:
      return Answer::refused(done.error());
  }
}

}  // namespace

Task<Answer> ImapConversation::run(imap::GetMetadata& command) {
  Told told(command);
  Answer answer;
  if (command.mailbox.empty()) {
    answer = co_await reach_.at_own([&](store::UserMail& mail) -> Task<Answer> {
      store::AnnotationMap server = mail.annotations({});
      server[std::string(kAdmin)] = "mailto:postmaster@" + listening_.imap.hostname;
      told.look(server);
      co_return Answer::ok();
    });
  } else {
    const MailboxPath path = co_await reach_.path_to(command.mailbox);
    const Reach::AtMailbox look = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                      store::Rights) -> Task<Answer> {
      const store::AnnotationMap& all = mail.annotations(mailbox.id());
      path.others ? told.look(only_shared(all)) : told.look(all);
      co_return Answer::ok();
    };
    answer = co_await reach_.at(path, store::Right::read, look);
  }
  if (!answer.is_ok()) co_return answer;
  const auto entries = told.entries();
  if (!entries.empty()) session_.respond().metadata(command.mailbox, entries);
  if (told.longest_left_out() == 0) co_return Answer::ok();
  co_return Answer::ok("Some are longer", imap::codes::metadata_long_entries(told.longest_left_out()));
}

Task<Answer> ImapConversation::run(imap::SetMetadata& command) {
  const auto some = [&](bool shared) {
    return std::ranges::any_of(command.entries, [shared](const imap::MetadataEntry& entry) {
      return entry.name.starts_with(kShared) == shared;
    });
  };
  const bool of_server = command.mailbox.empty();
  if (of_server && some(true))
    co_return Answer::no(imap::codes::kNoPerm, "What all users see is the operator's");
  std::vector<store::Annotation> entries;
  for (const imap::MetadataEntry& entry : command.entries) entries.push_back({entry.name, entry.value});
  store::MailboxId on;
  const Reach::AtMailbox annotate = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                        store::Rights) -> Task<Answer> {
    on = mailbox.id();
    co_return done_or_not(
        co_await mail.annotate(on, entries, still_may(mail, on, store::Right::write, user_)));
  };
  MailboxPath path{.owner = user_, .name = {}};
  if (!of_server) path = co_await reach_.path_to(command.mailbox);
  Answer answer;
  if (of_server)
    answer = co_await reach_.at_own([&](store::UserMail& mail) -> Task<Answer> {
      co_return done_or_not(co_await mail.annotate({}, entries));
    });
  else if (path.others && some(false))
    answer = co_await reach_.at(path, store::Right::read, refuse_private);
  else
    answer = co_await reach_.at(path, store::Right::write, annotate);
  if (notifying_ && !path.others)
    for (const store::Annotation& entry : entries) notifying_->notices.forget_entry(on, entry.name);
  co_return answer;
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
