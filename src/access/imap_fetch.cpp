// FETCH: what a client wants to know of messages.
#include <algorithm>

#include "ringpost/base/units.hpp"

#include "imap_conversation.hpp"
#include "preview.hpp"

namespace ringpost::access {

using ItemKind = imap::FetchItem::Kind;

namespace {

// The bytes as they came: nothing need be known of what is in them.
bool whole_message(const imap::FetchItem& item) {
  return item.kind == ItemKind::rfc822 || (item.kind == ItemKind::section && item.section.part.empty() &&
                                           item.section.text == imap::Section::Text::whole);
}

bool needs_structure(const imap::FetchItem& item) {
  switch (item.kind) {
    case ItemKind::envelope:
    case ItemKind::body:
    case ItemKind::body_structure:
    case ItemKind::preview:
    case ItemKind::preview_lazy:
    case ItemKind::binary:
    case ItemKind::binary_size:
    case ItemKind::rfc822_header:
    case ItemKind::rfc822_text:
      return true;
    case ItemKind::section:
      return !whole_message(item);
    default:
      return false;
  }
}

// Bytes of the message, or what is counted of them.
bool asks_bytes(const imap::FetchItem& item) {
  return whole_message(item) || item.kind == ItemKind::section || item.kind == ItemKind::binary ||
         item.kind == ItemKind::binary_size || item.kind == ItemKind::rfc822_header ||
         item.kind == ItemKind::rfc822_text;
}

// What RFC822.HEADER and the like are called by the newer names.
imap::Section section_of(const imap::FetchItem& item) {
  imap::Section section = item.section;
  if (item.kind == ItemKind::rfc822) section.text = imap::Section::Text::whole;
  if (item.kind == ItemKind::rfc822_header) section.text = imap::Section::Text::header;
  if (item.kind == ItemKind::rfc822_text) section.text = imap::Section::Text::text;
  return section;
}

MessageParts::Range clipped(MessageParts::Range range, const std::optional<imap::Partial>& partial) {
  if (!partial) return range;
  const std::uint64_t skip = std::min(partial->offset, range.size);
  return {range.offset + skip, std::min(partial->size, range.size - skip)};
}

std::string_view clipped(std::string_view text, const std::optional<imap::Partial>& partial) {
  if (!partial) return text;
  return text.substr(std::min<std::uint64_t>(partial->offset, text.size()), partial->size);
}

// BINARY and BINARY.SIZE of a part that cannot be decoded (RFC 9051 section 6.4.5).
bool asks_undecodable(const imap::FetchItem& item, const mail::MimeStructure& structure) {
  if (item.kind != ItemKind::binary && item.kind != ItemKind::binary_size) return false;
  const mail::MimePart* const part = structure.find(item.section.part);
  return part != nullptr && !MessageParts::knows_encoding(*part);
}
constexpr std::string_view kUnknownEncoding = "The transfer encoding of a part is not known";

Error shorter() {
  return {ErrorKind::permanent, 0, "the message is shorter than it was"};
}

WallTime wall(std::int64_t seconds) {
  return WallTime{seconds * 1'000'000'000};
}

}  // namespace

Task<Answer> ImapConversation::run(imap::Fetch& command) {
  if (!has_selection()) co_return Answer::deleted();
  auto which = selection_->resolve(command.set, command.uid);
  if (!which) co_return Answer::bad("There are not so many messages");
  if (command.vanished && command.changed_since)
    session_.respond().vanished(
        to_imap(selection_->mailbox()->vanished(store::ModSeq{*command.changed_since}, *which)), true);

  if (command.partial) which = selection_->page(*which, *command.partial);
  const bool sees = !selection_->read_only && rights().has(store::Right::seen) &&
                    std::ranges::any_of(command.items, &imap::FetchItem::sets_seen);
  store::UidSet unseen;
  if (sees) {
    selection_->for_each(*which, [&](const store::Message& message) {
      if (!has(message.flags, store::Flags::seen)) unseen.append(message.uid);
    });
    const auto set = co_await set_seen(unseen);
    if (!has_selection()) co_return Answer::deleted();
    if (!set) co_return Answer::no(imap::codes::kUnavailable, set.error().text);
  }
  std::size_t steps = 0;
  std::size_t gone = 0;
  std::optional<Error> damaged;
  bool undecodable = false;
  for (store::Uid from{1}; has_selection();) {
    const store::Message* found = selection_->next(*which, from);
    if (found == nullptr) break;
    const store::Message message = *found;
    from = {message.uid.value + 1};
    if (command.changed_since && message.modseq.value <= *command.changed_since) continue;
    if (auto told = co_await fetch_one(command, message, unseen.contains(message.uid)); !told) {
      if (connection_.aborted()) co_return Answer::ok();
      // It went while it was read: the client hears so with the next news.
      if (!has_selection() || selection_->mailbox()->find(message.uid) == nullptr)
        ++gone;
      else if (told.error().text == kUnknownEncoding)
        undecodable = true;
      else if (told.error().kind == ErrorKind::permanent)
        damaged = std::move(told).error();  // the others can be had
      else
        co_return Answer::no(imap::codes::kUnavailable, told.error().text);
    }
    if (!co_await relieve(steps)) co_return Answer::ok();
  }
  if (damaged) co_return Answer::no(imap::codes::kCorruption, damaged->text);
  if (undecodable) co_return Answer::no(imap::codes::kUnknownCte, std::string(kUnknownEncoding));
  if (gone != 0) co_return Answer::no(imap::codes::kExpungeIssued, "Some of them have been expunged");
  co_return Answer::ok();
}

Task<Result<void>> ImapConversation::set_seen(const store::UidSet& which) {
  if (which.empty()) co_return Result<void>{};
  auto changed = co_await mail_->change_flags(selection_->mailbox()->id(), which,
                                              {.flags = store::Flags::seen}, still_has(store::Right::seen));
  if (!changed && changed.error().why == store::Refused::not_allowed)
    co_return Result<void>{};  // a right that has been taken meanwhile
  if (!changed) co_return fail(changed.error().error);
  tell_news(false, which);  // the responses show them
  co_return Result<void>{};
}

Task<Result<void>> ImapConversation::fetch_one(const imap::Fetch& command, store::Message message,
                                               bool tells_flags) {
  MessageParts parts(*mail_, message);
  const mail::MimeStructure* structure = nullptr;
  if (std::ranges::any_of(command.items, needs_structure)) structure = RP_CO_TRY(co_await parts.structure());
  if (structure != nullptr && std::ranges::any_of(command.items, [&](const imap::FetchItem& item) {
        return asks_undecodable(item, *structure);
      }))
    co_return fail(ErrorKind::permanent, std::string(kUnknownEncoding));
  // What may fail is read before the response begins, but for the rest of long bodies: a message that is damaged is a NO, and the
  // connection goes on.
  std::optional<std::string> preview;
  for (const imap::FetchItem& item : command.items)
    if (item.kind == ItemKind::preview || item.kind == ItemKind::preview_lazy)
      preview = RP_CO_TRY(co_await make_preview(parts));
  // An operator's export must not end at one that was damaged lately.
  const bool doubted = listening_.imap.capabilities.has(imap::Capability::restore)
                           ? message.size > kReadPiece
                           : service_.damaged().contains(message.blob);
  if (doubted && std::ranges::any_of(command.items, asks_bytes)) RP_CO_CHECK(co_await parts.verify());
  std::vector<FoundBytes> found;
  for (std::uint64_t held = 0; const imap::FetchItem& item : command.items)
    if (asks_bytes(item) && held < kReadPiece) {
      found.push_back(RP_CO_TRY(co_await find_bytes(item, parts)));
      held += found.back().held();
    }
  if (!has_selection()) co_return fail(ErrorKind::permanent, "the mailbox has been deleted");
  if (const store::Message* now = selection_->mailbox()->find(message.uid)) message = *now;
  const auto name = selection_->name_of(message.uid);
  if (!name) co_return Result<void>{};

  const imap::Dialect& dialect = session_.dialect();
  auto fetch = session_.respond().fetch(*name);
  const bool asks_flags = std::ranges::any_of(
      command.items, [](const imap::FetchItem& item) { return item.kind == ItemKind::flags; });
  if (tells_flags && !asks_flags)
    fetch.flags(selection_->flags_of(message, dialect),
                keywords_of(*selection_->mailbox(), message.keywords));
  bool told_modseq = false;
  std::size_t told = 0;  // items with bytes
  for (const imap::FetchItem& item : command.items) {
    switch (item.kind) {
      case ItemKind::flags:
        fetch.flags(selection_->flags_of(message, dialect),
                    keywords_of(*selection_->mailbox(), message.keywords));
        break;
      case ItemKind::internal_date:
        fetch.internal_date(wall(message.internal_date), message.zone_minutes);
        break;
      case ItemKind::rfc822_size:
        fetch.size(message.size);
        break;
      case ItemKind::envelope:
        fetch.envelope(structure->envelopes.front());
        break;
      case ItemKind::body:
        fetch.structure(*structure, false);
        break;
      case ItemKind::body_structure:
        fetch.structure(*structure, true);
        break;
      case ItemKind::uid:
        fetch.uid(message.uid.value);
        break;
      case ItemKind::mod_sequence:
        fetch.mod_sequence(message.modseq.value);
        told_modseq = true;
        break;
      case ItemKind::email_id:
        fetch.email_id(store::email_object_id(message.blob));
        break;
      case ItemKind::thread_id:
        if (message.thread == 0)
          fetch.thread_id(std::nullopt);
        else
          fetch.thread_id(store::thread_object_id(message.thread));
        break;
      case ItemKind::save_date:
        fetch.save_date(wall(message.save_date), 0);
        break;
      case ItemKind::preview:
      case ItemKind::preview_lazy:
        fetch.preview(preview);
        break;
      case ItemKind::section:
      case ItemKind::rfc822:
      case ItemKind::rfc822_header:
      case ItemKind::rfc822_text:
      case ItemKind::binary:
      case ItemKind::binary_size:
        if (told < found.size())
          RP_CO_CHECK(co_await tell_bytes(fetch, item, parts, std::move(found[told])));
        else
          RP_CO_CHECK(co_await tell_late(fetch, item, parts));
        ++told;
        break;
    }
  }
  if (command.changed_since && !told_modseq) fetch.mod_sequence(message.modseq.value);
  fetch.end();
  co_return Result<void>{};
}

Task<Result<ImapConversation::FoundBytes>> ImapConversation::find_bytes(const imap::FetchItem& item,
                                                                        MessageParts& parts) {
  using Text = imap::Section::Text;
  const imap::Section section = section_of(item);
  if (whole_message(item))
    co_return co_await first_of(parts, clipped(MessageParts::Range{0, parts.message().size}, item.partial));
  const mail::MimeStructure* structure = RP_CO_TRY(co_await parts.structure());
  if (item.kind == ItemKind::binary || item.kind == ItemKind::binary_size) {
    const mail::MimePart* part = structure->find(section.part);
    if (part == nullptr) co_return FoundBytes{.nothing = true};
    co_return FoundBytes{.text = RP_CO_TRY(co_await parts.decoded(*part))};  // or it was refused before
  }
  const auto range = MessageParts::range_of(section, *structure, parts.message().size);
  if (!range) co_return FoundBytes{.nothing = true};
  if (section.text != Text::header_fields && section.text != Text::header_fields_not)
    co_return co_await first_of(parts, clipped(*range, item.partial));
  const std::string header =
      RP_CO_TRY(co_await parts.text({range->offset, std::min<std::uint64_t>(range->size, kHeaderMax)}));
  co_return FoundBytes{
      .text = MessageParts::header_fields(header, section.fields, section.text == Text::header_fields_not)};
}

Task<Result<ImapConversation::FoundBytes>> ImapConversation::first_of(MessageParts& parts,
                                                                      MessageParts::Range range) {
  FoundBytes found{.range = range};
  if (range.size != 0)
    found.first =
        RP_CO_TRY(co_await parts.read({range.offset, std::min<std::uint64_t>(range.size, kReadPiece)}));
  if (range.size != 0 && found.first->size() == 0) co_return fail(shorter());
  co_return found;
}

// One of very many items, whose bytes were not kept beside those before it.
Task<Result<void>> ImapConversation::tell_late(imap::FetchWriter& fetch, const imap::FetchItem& item,
                                               MessageParts& parts) {
  auto found = co_await find_bytes(item, parts);
  if (!found) {
    connection_.abort();
    co_return fail(std::move(found).error());
  }
  co_return co_await tell_bytes(fetch, item, parts, *std::move(found));
}

Task<Result<void>> ImapConversation::tell_bytes(imap::FetchWriter& fetch, const imap::FetchItem& item,
                                                MessageParts& parts, FoundBytes found) {
  if (item.kind == ItemKind::binary_size) {
    fetch.binary_size(item, found.nothing ? 0 : found.text->size());  // there is no NIL for it
  } else if (found.nothing) {
    fetch.section_nil(item);
  } else if (found.text) {
    const std::string_view shown = clipped(*found.text, item.partial);
    fetch.section(item, shown.size(),
                  item.kind == ItemKind::binary && shown.find('\0') != std::string_view::npos);
    session_.write(shown);
  } else {
    fetch.section(item, found.range.size);
    if (found.first) co_return co_await send_range(parts, found.range, *std::move(found.first));
  }
  co_return Result<void>{};
}

// The bytes of a literal whose head has been written. When they cannot be had the response is broken for good, and the connection
// ends. The next time the message is read to its end first.
Task<Result<void>> ImapConversation::send_range(MessageParts& parts, MessageParts::Range range,
                                                store::Content part) {
  for (;;) {
    range.offset += part.size();
    range.size -= part.size();
    if (part.size() <= kCopiedMax) {
      for (const auto piece : part.pieces()) session_.write(text_of(piece));
    } else {
      if (!co_await send()) co_return fail(ErrorKind::closed, "the client has gone");
      trace_mail(part.size());
      RP_CO_CHECK(co_await connection_.flush(service_.core().now() + kSendTimeout, part.pieces()));
    }
    if (range.size == 0) co_return Result<void>{};
    auto next = co_await parts.read({range.offset, std::min<std::uint64_t>(range.size, kReadPiece)});
    if (!next || next->size() == 0) {
      Error error = next ? shorter() : std::move(next).error();
      if (!error.temporary()) service_.damaged().add(parts.message().blob);
      connection_.abort();
      co_return fail(std::move(error));
    }
    part = *std::move(next);
  }
}

}  // namespace ringpost::access
