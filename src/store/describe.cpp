// What a record says, in one line.
#include <array>

#include <fmt/format.h>

#include "ringpost/store/rights.hpp"
#include "ringpost/store/store.hpp"

#include "records.hpp"

namespace ringpost::store {

namespace {

constexpr std::size_t kShownMax = 8;  // operations of one change

std::string ranges_text(const std::vector<UidRange>& ranges) {
  std::string text;
  for (const UidRange& range : ranges) {
    if (text.size() > 60) return text + ",...";
    text += text.empty() ? "" : ",";
    text += range.first == range.last ? fmt::format("{}", range.first.value)
                                      : fmt::format("{}:{}", range.first.value, range.last.value);
  }
  return text;
}

std::string operation_text(const OperationHeader& operation, Reader& body) {
  switch (static_cast<Operation>(operation.type)) {
    case Operation::user_named:
      return fmt::format("user {}", body.rest_text());
    case Operation::mailbox_made: {
      const auto made = body.get<MailboxMade>();
      return fmt::format("mailbox {} made: {}", made.mailbox, body.rest_text());
    }
    case Operation::mailbox_named: {
      const auto in = body.get<InMailbox>();
      return fmt::format("mailbox {} named {}", in.mailbox, body.rest_text());
    }
    case Operation::mailbox_gone:
      return fmt::format("mailbox {} deleted", body.get<InMailbox>().mailbox);
    case Operation::special_use: {
      const auto in = body.get<InMailbox>();
      return fmt::format("mailbox {} used as {}", in.mailbox, to_string(static_cast<SpecialUse>(in.value)));
    }
    case Operation::subscribed:
      return fmt::format("{} {}", operation.how != 0 ? "subscribed to" : "unsubscribed from",
                         body.rest_text());
    case Operation::quota_set:
      return "a quota, which counts for nothing";
    case Operation::added: {
      const auto in = body.get<InMailbox>();
      const auto message = body.get<Message>();
      return fmt::format("mailbox {} uid {}: {} of {} bytes", in.mailbox, message.uid.value,
                         to_string(message.blob), message.size);
    }
    case Operation::origin: {
      const auto said = body.get<OriginSaid>();
      return fmt::format("origin {}/{} {}", to_string(MessageId{said.message}), said.recipient,
                         operation.how != 0 ? "delivered" : "confirmed");
    }
    case Operation::flags: {
      const auto said = body.get<FlagsSaid>();
      return fmt::format("mailbox {} flags of {}", said.mailbox, ranges_text(body.rest<UidRange>()));
    }
    case Operation::expunged: {
      const auto said = body.get<Expunged>();
      return fmt::format("mailbox {} expunged {}", said.mailbox, ranges_text(body.rest<UidRange>()));
    }
    case Operation::keyword: {
      const auto in = body.get<InMailbox>();
      return fmt::format("mailbox {} keyword {}: {}", in.mailbox, in.value, body.rest_text());
    }
    case Operation::copied: {
      const auto said = body.get<CopiedSaid>();
      body.get<std::array<std::uint8_t, kKeywordsMax>>();
      return fmt::format("mailbox {} uid {} and on: copies of {} of mailbox {}", said.to, said.first_uid,
                         ranges_text(body.rest<UidRange>()), said.from);
    }
    case Operation::user_gone:
      return "user deleted";
    case Operation::numbered: {
      const auto said = body.get<Numbered>();
      return fmt::format("mailbox {} uidvalidity {}, next uid {}", said.mailbox, said.uid_validity,
                         said.uid_next);
    }
    case Operation::annotated: {
      const auto in = body.get<InMailbox>();
      const auto name = body.get_bytes(in.value);
      return fmt::format("mailbox {} {} {}", in.mailbox, operation.how != 0 ? "notes" : "forgets",
                         std::string_view(reinterpret_cast<const char*>(name.data()), name.size()));
    }
    case Operation::granted: {
      const auto in = body.get<InMailbox>();
      if (operation.how != 0) return fmt::format("mailbox {} shared as mailbox {}", in.mailbox, in.value);
      const std::string rights = Rights::from_bits(in.value).to_string();
      return fmt::format("mailbox {} grants {} to {}", in.mailbox, rights.empty() ? "nothing" : rights,
                         body.rest_text());
    }
  }
  return fmt::format("operation {}", operation.type);
}

std::string change_text(std::span<const std::byte> payload) {
  std::string text = fmt::format("change {}", Reader(payload).get<ChangeHeader>().lsn);
  std::size_t shown = 0;
  const bool whole = for_each_operation(payload, [&](const OperationHeader& operation, Reader& body) {
    if (shown++ < kShownMax) text += (shown == 1 ? ": " : "; ") + operation_text(operation, body);
    return true;
  });
  if (shown > kShownMax) text += fmt::format(" and {} more", shown - kShownMax);
  return whole ? text : text + " (cannot be decoded)";
}

}  // namespace

std::string describe(const journal::RecordView& view) {
  switch (static_cast<RecordType>(view.type)) {
    case RecordType::mail:
      return "mail";
    case RecordType::facts:
      return "facts of a mail";
    case RecordType::chunk: {
      const auto header = Reader(view.payload).get<ChunkHeader>();
      return fmt::format("mail, piece {} of {}", header.index + 1, header.count);
    }
    case RecordType::change:
      return change_text(view.payload);
    case RecordType::snapshot: {
      const auto header = Reader(view.payload).get<PieceHeader>();
      return fmt::format("snapshot at change {}, piece {} of {}, {} bytes", header.lsn, header.index + 1,
                         header.count, header.size);
    }
  }
  return fmt::format("record of type {}", view.type);
}

}  // namespace ringpost::store
