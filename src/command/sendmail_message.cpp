#include "sendmail_message.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/header_address.hpp"
#include "ringpost/mail/limits.hpp"

namespace ringpost::command {

namespace {

std::string_view first_line(std::string_view text) {
  const std::size_t end = text.find('\n');
  return end == text.npos ? text : text.substr(0, end + 1);
}

std::string_view without_end(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// "Name:" with printable ASCII but blanks (RFC 5322 section 2.2); blanks before the colon are an old habit.
bool is_field_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return false;
  const std::string_view name = line.substr(0, line.substr(0, colon).find_last_not_of(" \t") + 1);
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F; });
}

// The size of the header, without the empty line after it.
std::size_t header_size(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size()) {
    const std::string_view line = first_line(text.substr(size));
    const bool continued = size > 0 && (line[0] == ' ' || line[0] == '\t') && !mail::trim(line).empty();
    if (!continued && !is_field_line(without_end(line))) break;
    size += line.size();
  }
  return size;
}

bool is_field(const mail::HeaderField& field, std::string_view name) {
  return mail::equal_ignoring_case(field.name, name);
}

// Enough to find the place in a field that goes on for pages.
std::string beginning(std::string_view text) {
  constexpr std::size_t kQuotedMax = 200;
  return text.size() <= kQuotedMax ? std::string(text) : std::string(text.substr(0, kQuotedMax)) + "...";
}

class Recipients {
 public:
  void add(const std::string& address) {
    if (std::ranges::find(all_, address) == all_.end()) all_.push_back(address);
  }
  // The complaint about what is wrong with the text, or "".
  std::string add_list(std::string_view value, std::string_view complaint) {
    const mail::HeaderAddressList list = mail::parse_address_list(value);
    if (list.truncated)
      return fmt::format("more than {} addresses; send it in parts, or by SMTP", mail::kHeaderAddressesMax);
    for (const mail::HeaderAddress& address : list.addresses)
      if (!address.address.empty()) add(address.address);
    return list.refused == 0 ? "" : fmt::format("{}: {}", beginning(mail::unfold(value)), complaint);
  }
  std::vector<std::string> take() { return std::move(all_); }
  bool empty() const { return all_.empty(); }

 private:
  std::vector<std::string> all_;
};

std::expected<void, std::string> add_from_header(std::string_view header, Recipients& recipients) {
  constexpr std::array kPlain = std::to_array<std::string_view>({"To", "Cc", "Bcc"});
  constexpr std::array kResent = std::to_array<std::string_view>({"Resent-To", "Resent-Cc", "Resent-Bcc"});
  const bool resent = std::ranges::any_of(
      kResent, [&](std::string_view name) { return mail::count_fields(header, name) > 0; });
  mail::HeaderReader reader(header);
  while (const auto field = reader.next()) {
    const auto& names = resent ? kResent : kPlain;
    if (std::ranges::none_of(names, [&](std::string_view name) { return is_field(*field, name); })) continue;
    if (auto wrong = recipients.add_list(field->value, "has something that is no address"); !wrong.empty())
      return std::unexpected(std::string(field->name) + ": " + wrong);
  }
  return {};
}

// Everything but the fields that only the sender may see. A From_ line of a mailbox is no field either.
std::string public_header(std::string_view header) {
  std::string kept;
  mail::HeaderReader reader(header);
  while (const auto field = reader.next())
    if (!is_field(*field, "Bcc") && !is_field(*field, "Resent-Bcc"))
      kept += header.substr(field->offset, field->size);
  if (!kept.empty() && !kept.ends_with('\n')) kept += '\n';
  return kept;
}

}  // namespace

std::string_view until_dot(std::string_view input) {
  for (std::size_t at = 0; at < input.size();) {
    const std::string_view line = first_line(input.substr(at));
    if (without_end(line) == ".") return input.substr(0, at);
    at += line.size();
  }
  return input;
}

std::expected<Letter, std::string> make_letter(const SendmailArguments& arguments, std::string_view input,
                                               std::string_view sender_address) {
  if (!arguments.dot_is_text) input = until_dot(input);
  if (input.starts_with("From ")) input.remove_prefix(first_line(input).size());
  const std::size_t size = header_size(input);
  const std::string_view header = input.substr(0, size);
  std::string_view text = input.substr(size);

  Recipients recipients;
  for (const std::string& word : arguments.recipients)
    if (auto wrong = recipients.add_list(word, "is no address"); !wrong.empty())
      return std::unexpected(wrong);
  if (arguments.recipients_from_header)
    if (auto added = add_from_header(header, recipients); !added) return std::unexpected(added.error());
  if (recipients.empty())
    return std::unexpected(arguments.recipients_from_header
                               ? "there is no recipient in the header nor on the command line"
                               : "there is no recipient; name one on the command line, or use -t");

  Letter letter{.recipients = recipients.take(), .body = public_header(header)};
  if (!arguments.full_name.empty() && mail::count_fields(header, "From") == 0)
    letter.body += "From: " + mail::encode_display_name(arguments.full_name) + " <" +
                   std::string(sender_address) + ">\n";
  // A text that begins without a header, or breaks it off, is text all the same.
  if (!without_end(first_line(text)).empty() || text.empty()) letter.body += '\n';
  letter.body += text;
  return letter;
}

}  // namespace ringpost::command
