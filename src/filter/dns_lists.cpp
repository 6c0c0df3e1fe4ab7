#include "dns_lists.hpp"

#include <charconv>

#include <fmt/format.h>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

std::optional<std::uint32_t> number_of(const IpAddress& address) {
  if (!address.is_ipv4()) return std::nullopt;
  std::uint32_t number = 0;
  for (const std::uint8_t octet : address.octets()) number = number << 8U | octet;
  return number;
}

// "16", "0x10", "127.0.0.2"; `dotted` says that it was an address.
std::optional<std::uint32_t> parse_number(std::string_view text, bool& dotted) {
  if (const auto address = parse_address(text)) {
    dotted = true;
    return number_of(*address);
  }
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<dns::Question> list_question(std::string_view host_or_address, std::string_view zone,
                                           dns::Type type) {
  const auto suffix = dns::Name::parse(zone);
  if (!suffix) return std::nullopt;
  Result<dns::Name> prefix = fail(ErrorKind::permanent, "");
  if (const auto address = parse_address(host_or_address))
    prefix = dns::reverse_labels(*address);
  else
    prefix = dns::Name::parse(canonical_host(host_or_address));
  if (!prefix) return std::nullopt;
  auto name = prefix->under(*suffix);
  if (!name) return std::nullopt;
  return dns::Question{*std::move(name), type};
}

std::optional<ListEntry> list_entry(const dns::Data& data) {
  if (const auto* address = std::get_if<IpAddress>(&data))
    return ListEntry{to_string(*address), number_of(*address).value_or(0), true};
  if (const auto* text = std::get_if<dns::Txt>(&data)) return ListEntry{text->text, 0, false};
  return std::nullopt;
}

bool is_in_127(const ListEntry& entry) {
  return entry.is_address && entry.number >> 24U == 127;
}

Result<ListTest> ListTest::parse(std::string_view text) {
  ListTest test;
  if (!text.empty() && std::ranges::all_of(text, is_digit)) {
    bool dotted = false;
    test.mask_ = parse_number(text, dotted);
    return test;
  }
  if (const auto address = parse_address(text); address && address->is_ipv4()) {
    test.exact_ = text;
    return test;
  }
  auto expression = patterns::Expression::compile({std::string(text), {}});
  if (!expression) return std::unexpected(expression.error());
  test.expression_ = std::make_shared<const patterns::Expression>(*std::move(expression));
  return test;
}

bool ListTest::holds(const ListEntry& entry, patterns::Scratch& scratch) const {
  if (expression_) return expression_->search(entry.text, scratch) == patterns::Match::yes;
  if (mask_) return is_in_127(entry) && (entry.number & *mask_) != 0;
  return entry.text == exact_;
}

Result<UriListTest> UriListTest::parse(std::string_view text) {
  UriListTest test;
  if (text.empty()) return test;
  const std::size_t mark = text.find_first_of("/-");
  bool dotted = false;
  const auto first = parse_number(text.substr(0, mark), dotted);
  if (!first) return fail(ErrorKind::permanent, fmt::format("'{}' is no address, number or range", text));
  test.first_ = test.second_ = *first;
  if (mark == kNowhere) {
    test.kind_ = dotted ? Kind::range : Kind::mask;
    return test;
  }
  const auto second = parse_number(text.substr(mark + 1), dotted);
  if (!second) return fail(ErrorKind::permanent, fmt::format("'{}' is no address, number or range", text));
  test.second_ = *second;
  test.kind_ = text[mark] == '-' ? Kind::range : Kind::masked;
  return test;
}

bool UriListTest::holds(const ListEntry& entry) const {
  if (kind_ == Kind::any) return !entry.is_address || is_in_127(entry);
  if (!entry.is_address) return false;
  if (kind_ == Kind::mask) return is_in_127(entry) && (entry.number & first_) != 0;
  if (kind_ == Kind::range) return entry.number >= first_ && entry.number <= second_;
  return (entry.number & second_) == (first_ & second_);
}

bool flagged(const Rule& rule, std::string_view word) {
  for (std::string_view rest = trim_front(rule.flag_words); !rest.empty(); rest = trim_front(rest)) {
    std::size_t size = 0;
    while (size < rest.size() && !is_space(rest[size])) ++size;
    if (rest.substr(0, size) == word) return true;
    rest.remove_prefix(size);
  }
  return false;
}

}  // namespace ringpost::filter
