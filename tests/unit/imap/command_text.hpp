// A command as one line, for tests and fuzz targets.
#pragma once

#include <array>
#include <string>

#include <fmt/format.h>

#include "ringpost/imap/command.hpp"

namespace ringpost::imap::testing {

inline std::string text_of(const SequenceSet& set) {
  if (set.saved()) return "$";
  std::string out;
  const auto end = [](std::uint32_t number) {
    return number == 0 ? std::string("*") : std::to_string(number);
  };
  for (const SequenceSet::Range& range : set.written()) {
    if (!out.empty()) out += ',';
    out += range.first == range.last ? end(range.first) : end(range.first) + ':' + end(range.last);
  }
  return out;
}

inline std::string text_of(const FlagList& flags) {
  std::vector<std::string_view> keywords(flags.keywords.begin(), flags.keywords.end());
  std::string out = "(";
  append_flags(flags.system, keywords, out);
  return out + ')';
}

inline std::string text_of(StatusItems items) {
  constexpr std::array<std::string_view, 11> kNames{
      "messages", "uidnext",       "uidvalidity", "unseen",    "recent",         "deleted",
      "size",     "highestmodseq", "appendlimit", "mailboxid", "deleted-storage"};
  std::string out;
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (items.has(static_cast<std::uint16_t>(1U << i)))
      out += out.empty() ? kNames[i] : ' ' + std::string(kNames[i]);
  return '(' + out + ')';
}

inline std::string text_of(const FetchItem& item) {
  constexpr std::array<std::string_view, 19> kNames{
      "flags",  "internaldate", "size",     "envelope",      "body",       "bodystructure", "uid",
      "modseq", "emailid",      "threadid", "savedate",      "preview",    "preview-lazy",  "section",
      "binary", "binary-size",  "rfc822",   "rfc822.header", "rfc822.text"};
  constexpr std::array<std::string_view, 6> kTexts{"", "header", "fields", "fields-not", "text", "mime"};
  std::string out(kNames[static_cast<std::size_t>(item.kind)]);
  if (item.kind >= FetchItem::Kind::section && item.kind <= FetchItem::Kind::binary_size) {
    out += fmt::format("[{}{}{}]", fmt::join(item.section.part, "."), item.section.part.empty() ? "" : " ",
                       kTexts[static_cast<std::size_t>(item.section.text)]);
    if (!item.section.fields.empty()) out += fmt::format("({})", fmt::join(item.section.fields, ","));
  }
  if (item.partial) out += fmt::format("<{}.{}>", item.partial->offset, item.partial->size);
  return out + (item.sets_seen() ? "!" : "");
}

inline std::string text_of(const std::optional<Page>& page) {
  if (!page) return "";
  return fmt::format(" partial {}{}:{}", page->from_end ? "from the end " : "", page->from, page->to);
}

inline std::string text_of(const ReturnOptions& options) {
  if (!options.given) return "";
  return fmt::format("return({}{}{}{}{}{} ) ", options.min ? " min" : "", options.max ? " max" : "",
                     options.all ? " all" : "", options.count ? " count" : "", options.save ? " save" : "",
                     text_of(options.partial));
}

struct CommandText {
  std::string operator()(const Noop&) const { return "noop"; }
  std::string operator()(const Namespace&) const { return "namespace"; }
  std::string operator()(const Idle&) const { return "idle"; }
  std::string operator()(const Check&) const { return "check"; }
  std::string operator()(const Close&) const { return "close"; }
  std::string operator()(const Unselect&) const { return "unselect"; }
  std::string operator()(const Select& one) const {
    std::string out = fmt::format("{} '{}'{}", one.read_only ? "examine" : "select", one.mailbox,
                                  one.condstore ? " condstore" : "");
    if (one.qresync) {
      const Qresync& q = *one.qresync;
      out += fmt::format(" qresync {} {} {} [{} {}]", q.uid_validity, q.mod_sequence,
                         q.known_uids ? to_string(*q.known_uids) : "-", to_string(q.match_numbers),
                         to_string(q.match_uids));
    }
    return out;
  }
  std::string operator()(const Create& one) const {
    return fmt::format("create '{}' uses={}{}", one.mailbox, one.special_uses.bits,
                       one.only_parent ? " parent" : "");
  }
  std::string operator()(const Delete& one) const { return fmt::format("delete '{}'", one.mailbox); }
  std::string operator()(const Rename& one) const {
    return fmt::format("rename '{}' '{}'", one.from, one.to);
  }
  std::string operator()(const Subscribe& one) const {
    return fmt::format("{} '{}'", one.subscribe ? "subscribe" : "unsubscribe", one.mailbox);
  }
  std::string operator()(const Status& one) const {
    return fmt::format("status '{}' {}", one.mailbox, text_of(one.items));
  }
  std::string operator()(const List& one) const {
    std::string out = fmt::format("{} '{}' ['{}']", one.lsub ? "lsub" : "list", one.reference,
                                  fmt::join(one.patterns, "','"));
    const auto add = [&](bool holds, std::string_view name) {
      if (holds) out.append(" ").append(name);
    };
    add(one.extended, "extended");
    add(one.select_subscribed, "select-subscribed");
    add(one.select_remote, "select-remote");
    add(one.select_recursive_match, "recursivematch");
    add(one.select_special_use, "select-special-use");
    add(one.return_subscribed, "subscribed");
    add(one.return_children, "children");
    add(one.return_special_use, "special-use");
    add(one.return_my_rights, "myrights");
    add(one.return_status.bits != 0, "status" + text_of(one.return_status));
    return out;
  }
  std::string operator()(const Expunge& one) const {
    return one.uids ? "uid expunge " + text_of(*one.uids) : "expunge";
  }
  std::string operator()(const Search& one) const {
    if (!one.charset_known)
      return fmt::format("{}search {}in an unknown charset", one.uid ? "uid " : "", text_of(one.options));
    return fmt::format("{}search {}{}{}", one.uid ? "uid " : "", text_of(one.options), to_string(one.key),
                       one.uses_mod_sequence ? " modseq" : "");
  }
  std::string operator()(const Sort& one) const {
    std::string keys;
    for (const SortKey& key : one.keys)
      keys += fmt::format("{}{}", key.reverse ? "-" : "+", static_cast<int>(key.kind));
    return fmt::format("{}sort {}{} {}", one.uid ? "uid " : "", text_of(one.options), keys,
                       one.charset_known ? to_string(one.search) : "in an unknown charset");
  }
  std::string operator()(const Thread& one) const {
    return fmt::format("{}thread {} {}", one.uid ? "uid " : "",
                       one.algorithm == ThreadAlgorithm::references ? "references" : "orderedsubject",
                       to_string(one.search));
  }
  std::string operator()(const Fetch& one) const {
    std::string items;
    for (const FetchItem& item : one.items) items += ' ' + text_of(item);
    return fmt::format("{}fetch {}{}{}{}{}", one.uid ? "uid " : "", text_of(one.set), items,
                       one.changed_since ? fmt::format(" since={}", *one.changed_since) : "",
                       one.vanished ? " vanished" : "", text_of(one.partial));
  }
  std::string operator()(const Store& one) const {
    constexpr std::array<std::string_view, 3> kModes{"=", "+", "-"};
    return fmt::format("{}store {} {}{}{}{}", one.uid ? "uid " : "", text_of(one.set),
                       kModes[static_cast<std::size_t>(one.mode)], text_of(one.flags),
                       one.silent ? " silent" : "",
                       one.unchanged_since ? fmt::format(" unchanged={}", *one.unchanged_since) : "");
  }
  std::string operator()(const Copy& one) const {
    return fmt::format("{}{} {} '{}'", one.uid ? "uid " : "", one.move ? "move" : "copy", text_of(one.set),
                       one.mailbox);
  }
  std::string operator()(const GetQuota& one) const { return fmt::format("getquota '{}'", one.root); }
  std::string operator()(const GetQuotaRoot& one) const {
    return fmt::format("getquotaroot '{}'", one.mailbox);
  }
  std::string operator()(const Number& one) const {
    return fmt::format("number '{}' {} {}", one.mailbox, one.uid_validity, one.uid_next);
  }
  std::string operator()(const GetMetadata& one) const {
    constexpr std::array<std::string_view, 3> kDepths{"", " depth 1", " depth infinity"};
    return fmt::format("getmetadata '{}' [{}]{}{}", one.mailbox, fmt::join(one.entries, " "),
                       kDepths[static_cast<std::size_t>(one.depth)],
                       one.value_size_max ? fmt::format(" at most {}", *one.value_size_max) : "");
  }
  std::string operator()(const SetMetadata& one) const {
    std::string out = fmt::format("setmetadata '{}'", one.mailbox);
    for (const MetadataEntry& entry : one.entries)
      out += fmt::format(" {}={}", entry.name, entry.value ? '\'' + *entry.value + '\'' : "nil");
    return out;
  }
  std::string operator()(const GetAcl& one) const { return fmt::format("getacl '{}'", one.mailbox); }
  std::string operator()(const SetAcl& one) const {
    constexpr std::array<std::string_view, 3> kHow{"=", "+", "-"};
    return fmt::format("setacl '{}' '{}' {}{}", one.mailbox, one.identifier,
                       kHow[static_cast<std::size_t>(one.how)], one.rights);
  }
  std::string operator()(const DeleteAcl& one) const {
    return fmt::format("deleteacl '{}' '{}'", one.mailbox, one.identifier);
  }
  std::string operator()(const ListRights& one) const {
    return fmt::format("listrights '{}' '{}'", one.mailbox, one.identifier);
  }
  std::string operator()(const MyRights& one) const { return fmt::format("myrights '{}'", one.mailbox); }
  std::string operator()(const Notify& one) const {
    constexpr std::array<std::string_view, 7> kWhere{"selected",   "selected-delayed", "personal", "inboxes",
                                                     "subscribed", "subtree",          "mailboxes"};
    std::string out = one.on ? "notify set" : "notify none";
    if (one.status) out += " status";
    for (const NotifyGroup& group : one.groups)
      out += fmt::format(" ({} [{}] {})", kWhere[static_cast<std::size_t>(group.where)],
                         fmt::join(group.mailboxes, ","), group.events.bits);
    for (const FetchItem& item : one.fetch) out += ' ' + text_of(item);
    return out;
  }
  std::string operator()(const SetQuota& one) const {
    std::string out = fmt::format("setquota '{}'", one.root);
    for (const QuotaLimit& limit : one.limits) out += fmt::format(" {}={}", limit.resource, limit.limit);
    return out;
  }
};

inline std::string text_of(const Command& command) {
  return std::visit(CommandText{}, command);
}

}  // namespace ringpost::imap::testing
