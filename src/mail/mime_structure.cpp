#include <algorithm>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/mail/mime.hpp"

#include "mime_record.hpp"

namespace ringpost::mail {

namespace {

using mime_record::Reader;

std::vector<RawAddress> read_addresses(Reader& in) {
  constexpr std::size_t kAddressBytes = 5;
  std::vector<RawAddress> addresses(in.count(kAddressBytes));
  for (RawAddress& address : addresses) {
    const std::uint64_t kind = in.number();
    address.kind = kind == 1   ? RawAddress::Kind::group_begin
                   : kind == 2 ? RawAddress::Kind::group_end
                               : RawAddress::Kind::mailbox;
    address.display_name = in.text();
    address.route = in.text();
    address.local_part = in.text();
    address.domain = in.text();
  }
  return addresses;
}

MessageEnvelope read_one_envelope(Reader& in) {
  MessageEnvelope envelope;
  for (auto* text :
       {&envelope.date, &envelope.subject, &envelope.in_reply_to, &envelope.message_id, &envelope.references})
    *text = in.optional();
  for (auto* list :
       {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc})
    *list = read_addresses(in);
  return envelope;
}

std::vector<MimeParameter> read_parameters(Reader& in) {
  constexpr std::size_t kParameterBytes = 3;
  std::vector<MimeParameter> parameters(in.count(kParameterBytes));
  for (MimeParameter& parameter : parameters) {
    parameter.name = in.text();
    parameter.value = in.text();
    parameter.extended = in.number() != 0;
  }
  return parameters;
}

void read_fields(Reader& in, MimePart& part) {
  part.type = in.text();
  part.subtype = in.text();
  part.parameters = read_parameters(in);
  part.id = in.optional();
  part.description = in.optional();
  part.encoding = in.optional().value_or("7bit");
  part.md5 = in.optional();
  part.disposition = in.optional();
  part.disposition_parameters = read_parameters(in);
  part.languages.resize(in.count(1));
  for (std::string_view& language : part.languages) language = in.text();
  part.location = in.optional();
}

// Builds the tree from the depth of each part.
class TreeReader {
 public:
  TreeReader(Reader& in, MimeStructure& out) : in_(in), out_(out) {}

  bool read() {
    constexpr std::size_t kPartBytes = 17;
    const std::size_t count = in_.count(kPartBytes);
    if (count == 0 || count > kMimePartsMax) return false;
    out_.parts.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      if (!read_part()) return false;
    return in_.ok();
  }

 private:
  bool read_part() {
    const std::uint64_t depth = in_.number();
    const std::uint64_t flags = in_.number();
    if (!in_.ok() || depth > path_.size() || depth >= kMimeDepthMax || (depth == 0) != out_.parts.empty())
      return false;
    MimePart part;
    part.header_offset = before_ + in_.number();
    part.header_size = in_.number();
    part.body_offset = part.header_offset + part.header_size;
    part.body_size = in_.number();
    part.body_lines = in_.number();
    part.has_nul = (flags & mime_record::kNul) != 0;
    part.has_eight_bit = (flags & mime_record::kEightBit) != 0;
    before_ = part.header_offset;
    read_fields(in_, part);
    place(part, depth);
    if (depth != 0 && (flags & mime_record::kEnvelope) != 0) {
      out_.parts[path_[depth - 1].part].envelope = static_cast<std::uint32_t>(out_.envelopes.size());
      out_.envelopes.push_back(read_one_envelope(in_));
    }
    return in_.ok();
  }

  void place(MimePart& part, std::size_t depth) {
    const auto index = static_cast<std::uint32_t>(out_.parts.size());
    path_.resize(depth);
    if (depth != 0) {
      Open& parent = path_.back();
      part.parent = parent.part;
      if (parent.last_child == MimePart::kNone)
        out_.parts[parent.part].first_child = index;
      else
        out_.parts[parent.last_child].next_sibling = index;
      parent.last_child = index;
    }
    path_.push_back({index, MimePart::kNone});
    out_.parts.push_back(std::move(part));
  }

  struct Open {
    std::uint32_t part;
    std::uint32_t last_child;
  };
  Reader& in_;
  MimeStructure& out_;
  std::vector<Open> path_;
  std::uint64_t before_ = 0;
};

const MimePart* nth_child(const MimeStructure& structure, const MimePart& parent, std::uint32_t number) {
  std::uint32_t index = parent.first_child;
  for (; index != MimePart::kNone && number > 1; --number) index = structure.at(index).next_sibling;
  return index == MimePart::kNone || number == 0 ? nullptr : &structure.at(index);
}

// Part `number` of a message: of its multipart, or its only text.
const MimePart* part_of_message(const MimeStructure& structure, const MimePart& message,
                                std::uint32_t number) {
  if (message.multipart()) return nth_child(structure, message, number);
  return number == 1 ? &message : nullptr;
}

}  // namespace

bool MimePart::multipart() const {
  return equal_ignoring_case(type, "multipart");
}

std::optional<MimeStructure> MimeStructure::read(std::string_view record) {
  Reader in(record);
  if (!in.skip(mime_record::kMagic)) return std::nullopt;
  MimeStructure structure;
  Reader envelope(in.text());
  structure.envelopes.push_back(read_one_envelope(envelope));
  TreeReader tree(in, structure);
  if (!envelope.ok() || !envelope.at_end() || !tree.read() || !in.at_end()) return std::nullopt;
  return structure;
}

std::optional<MessageEnvelope> read_envelope(std::string_view record) {
  Reader in(record);
  if (!in.skip(mime_record::kMagic)) return std::nullopt;
  Reader envelope(in.text());
  MessageEnvelope read = read_one_envelope(envelope);
  if (!in.ok() || !envelope.ok() || !envelope.at_end()) return std::nullopt;
  return read;
}

const MimePart* MimeStructure::find(std::span<const std::uint32_t> numbers) const {
  const MimePart* part = &parts.front();
  bool at_message = true;
  for (const std::uint32_t number : numbers) {
    if (at_message)
      part = part_of_message(*this, *part, number);
    else if (part->multipart())
      part = nth_child(*this, *part, number);
    else
      part = part->message() ? part_of_message(*this, at(part->first_child), number) : nullptr;
    if (part == nullptr) return nullptr;
    at_message = false;
  }
  return part;
}

}  // namespace ringpost::mail
