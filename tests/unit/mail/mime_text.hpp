// A MIME structure as text, one part a line: for tests and fuzz targets.
#pragma once

#include <string>

#include <fmt/format.h>

#include "ringpost/mail/mime.hpp"

namespace ringpost::mail::testing {

inline std::string describe(const std::vector<MimeParameter>& parameters) {
  std::string out;
  for (const MimeParameter& one : parameters)
    out += fmt::format(" {}{}={}", one.name, one.extended ? "(utf-8)" : "", one.value);
  return out;
}

// "  text/plain charset=utf-8 [0 10 25 2] nul": header offset, header size, body size, body lines.
inline std::string describe(const MimeStructure& structure) {
  std::string out;
  for (const MimePart& part : structure.parts) {
    for (auto up = part.parent; up != MimePart::kNone; up = structure.at(up).parent) out += "  ";
    out += fmt::format("{}/{}{} {} [{} {} {} {}]{}{}\n", part.type, part.subtype, describe(part.parameters),
                       part.encoding, part.header_offset, part.header_size, part.body_size, part.body_lines,
                       part.has_nul ? " nul" : "", part.has_eight_bit ? " 8bit" : "");
  }
  return out;
}

inline std::string describe(const std::vector<RawAddress>& addresses) {
  std::string out;
  for (const RawAddress& one : addresses) {
    if (!out.empty()) out += ' ';
    switch (one.kind) {
      case RawAddress::Kind::group_begin:
        out += fmt::format("{}:", one.local_part);
        break;
      case RawAddress::Kind::group_end:
        out += ';';
        break;
      case RawAddress::Kind::mailbox:
        out += fmt::format("{{{}|{}|{}|{}}}", one.display_name, one.route, one.local_part, one.domain);
        break;
    }
  }
  return out;
}

inline std::string describe(const MessageEnvelope& envelope) {
  std::string out;
  const auto add = [&](std::string_view name, const std::optional<std::string_view>& text) {
    if (text) out += fmt::format("{}: {}\n", name, *text);
  };
  const auto add_list = [&](std::string_view name, const std::vector<RawAddress>& list) {
    if (!list.empty()) out += fmt::format("{}: {}\n", name, describe(list));
  };
  add("date", envelope.date);
  add("subject", envelope.subject);
  add_list("from", envelope.from);
  add_list("sender", envelope.sender);
  add_list("reply_to", envelope.reply_to);
  add_list("to", envelope.to);
  add_list("cc", envelope.cc);
  add_list("bcc", envelope.bcc);
  add("in_reply_to", envelope.in_reply_to);
  add("message_id", envelope.message_id);
  add("references", envelope.references);
  return out;
}

}  // namespace ringpost::mail::testing
