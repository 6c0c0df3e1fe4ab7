// METADATA (RFC 5464): what clients note on mailboxes, and on what is theirs as a whole. A mailbox is its owner's alone, so what is
// private and what is shared are kept alike.
#include <algorithm>
#include <map>

#include "ringpost/imap/limits.hpp"
#include "ringpost/store/limits.hpp"

#include "imap_conversation.hpp"

namespace ringpost::access {

static_assert(imap::kMetadataValueBytesMax == store::kAnnotationSizeMax);
static_assert(imap::kMetadataNameBytesMax == store::kAnnotationNameMax);

namespace {

constexpr std::string_view kAdmin = "/shared/admin";

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

Task<ImapConversation::Answer> ImapConversation::run(imap::GetMetadata& command) {
  store::MailboxId on;
  if (!command.mailbox.empty()) {
    const store::Mailbox* mailbox = mail_->find(command.mailbox);
    if (mailbox == nullptr) co_return Answer::no(imap::codes::kNonExistent, "There is no such mailbox");
    on = mailbox->id();
  }
  Told told(command);
  if (on) {
    told.look(mail_->annotations(on));
  } else {
    store::AnnotationMap server = mail_->annotations(on);
    server[std::string(kAdmin)] = "mailto:postmaster@" + listening_.imap.hostname;
    told.look(server);
  }
  const auto entries = told.entries();
  if (!entries.empty()) session_.respond().metadata(command.mailbox, entries);
  if (told.longest_left_out() == 0) co_return Answer::ok();
  co_return Answer::ok("Some are longer", imap::codes::metadata_long_entries(told.longest_left_out()));
}

Task<ImapConversation::Answer> ImapConversation::run(imap::SetMetadata& command) {
  store::MailboxId on;
  if (!command.mailbox.empty()) {
    const store::Mailbox* mailbox = mail_->find(command.mailbox);
    if (mailbox == nullptr) co_return Answer::no(imap::codes::kNonExistent, "There is no such mailbox");
    on = mailbox->id();
  } else if (std::ranges::any_of(command.entries, [](const imap::MetadataEntry& entry) {
               return entry.name.starts_with("/shared");
             })) {
    co_return Answer::no(imap::codes::kNoPerm, "What all users see is the operator's");
  }
  std::vector<store::Annotation> entries;
  for (imap::MetadataEntry& entry : command.entries)
    entries.push_back({std::move(entry.name), std::move(entry.value)});
  const auto done = co_await mail_->annotate(on, entries);
  if (done) co_return Answer::ok();
  switch (done.error().why) {
    case store::Refused::too_large:
      co_return Answer::no(imap::codes::metadata_max_size(store::kAnnotationSizeMax), "A value is too large");
    case store::Refused::limit:
      co_return Answer::no(imap::codes::kMetadataTooMany, "There are too many entries");
    default:
      co_return Answer::refused(done.error());
  }
}

}  // namespace ringpost::access
