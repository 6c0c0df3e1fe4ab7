// How each member type of an option struct is read from a configuration value and written back.
//
// Layer: base. A new scalar type specialises OptionType<T> with type(), example(), takes(), read(), write();
// a container adds `Element` and for_each(), so that ranges and choices reach what is inside.
//   takes  whether the form of the value is this type's at all; a variant asks its alternatives in turn
//   read   sets the target, or leaves it and tells the reader what is wrong and how to write it
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ringpost/base/option_value.hpp"
#include "ringpost/base/options.hpp"

namespace ringpost {

template <class T>
struct OptionType;

template <class T>
concept HasOptionTable = requires(const T* none) {
  { option_table(none) } -> std::same_as<const OptionTable&>;
};
template <class T>
concept HasOptionChoices = std::is_enum_v<T> && requires(const T* none) { option_choices(none); };

// OptionType<T> without the T.
struct OptionCodec {
  std::string (*type)();
  std::string (*example)();
  bool (*read)(void* target, const OptionValue& value, OptionReader& reader);
  OptionValue (*write)(const void* member);
  // For structs and named tables of structs, else nullptr: the table of what is inside.
  const OptionTable& (*table)();
  // For the same: visits the struct, with "" for a plain one and its name for one of many.
  void (*each_table)(const void* member, const std::function<void(const std::string&, const void*)>& visit);
  bool named;  // a map: keys are names that the operator chooses
};

// Reading and writing by table, for OptionType of structs; defined with OptionTable.
bool read_options(const OptionTable& table, void* options, const OptionValue& written, OptionReader& reader);
OptionValue write_options(const OptionTable& table, const void* options);
std::string table_example(const OptionTable& table);  // "{ first = "30s" }"
std::string table_type(const OptionTable& table);     // "{ first, factor, max }"

std::string quoted_choices(const std::vector<std::string_view>& words);
std::string choice_mend(std::string_view word, const std::vector<std::string_view>& known);
std::string list_type(std::string_view item_type);  // "size": "list of sizes"
std::string shown_bare(const OptionValue& value);   // TOML without the quotes of a text: for ranges

namespace detail {

inline OptionValue text_value(std::string text) {
  return {.value = std::move(text)};
}

// Types that are a string in TOML with a parser and to_string in base.
template <class T>
struct TextOptionType {
  static bool takes(const OptionValue& value) { return value.as<std::string>() != nullptr; }
  static bool read(T& target, const OptionValue& value, OptionReader& reader) {
    const auto* text = value.as<std::string>();
    if (text == nullptr) return reader.wrong_type(value, OptionType<T>::type(), OptionType<T>::example());
    auto parsed = OptionType<T>::parse(*text);
    if (!parsed) return reader.wrong_text(value.source, parsed.error().text);
    target = *parsed;
    return true;
  }
  static OptionValue write(const T& member) { return text_value(OptionType<T>::print(member)); }
};

}  // namespace detail

template <>
struct OptionType<Bytes> : detail::TextOptionType<Bytes> {
  static std::string type() { return "size"; }
  static std::string example() { return "\"64MiB\""; }
  static Result<Bytes> parse(std::string_view text) { return parse_bytes(text); }
  static std::string print(Bytes size) { return to_string(size); }
};
template <>
struct OptionType<Duration> : detail::TextOptionType<Duration> {
  static std::string type() { return "duration"; }
  static std::string example() { return "\"30s\""; }
  static Result<Duration> parse(std::string_view text) { return parse_duration(text); }
  static std::string print(Duration duration) { return to_string(duration); }
};
template <>
struct OptionType<Rate> : detail::TextOptionType<Rate> {
  static std::string type() { return "rate"; }
  static std::string example() { return "\"600/min\""; }
  static Result<Rate> parse(std::string_view text) { return parse_rate(text); }
  static std::string print(Rate rate) { return to_string(rate); }
};
template <>
struct OptionType<IpAddress> : detail::TextOptionType<IpAddress> {
  static std::string type() { return "IP address"; }
  static std::string example() { return "\"192.0.2.1\""; }
  static Result<IpAddress> parse(std::string_view text) { return parse_address(text); }
  static std::string print(IpAddress address) { return to_string(address); }
};
template <>
struct OptionType<Endpoint> : detail::TextOptionType<Endpoint> {
  static std::string type() { return "address with port"; }
  static std::string example() { return "\"0.0.0.0:25\""; }
  static Result<Endpoint> parse(std::string_view text) { return parse_endpoint(text); }
  static std::string print(Endpoint endpoint) { return to_string(endpoint); }
};
template <>
struct OptionType<Network> : detail::TextOptionType<Network> {
  static std::string type() { return "network"; }
  static std::string example() { return "\"192.0.2.0/24\""; }
  static Result<Network> parse(std::string_view text) { return parse_network(text); }
  static std::string print(Network network) { return to_string(network); }
};
template <>
struct OptionType<Percent> : detail::TextOptionType<Percent> {
  static std::string type() { return "percentage"; }
  static std::string example() { return "\"10%\""; }
  static bool takes(const OptionValue& value) {
    const auto* text = value.as<std::string>();
    return text != nullptr && text->ends_with('%');
  }
  static Result<Percent> parse(std::string_view text);
  static std::string print(Percent percent);
};

template <>
struct OptionType<bool> {
  static std::string type() { return "true | false"; }
  static std::string example() { return "true"; }
  static bool takes(const OptionValue& value) { return value.as<bool>() != nullptr; }
  static bool read(bool& target, const OptionValue& value, OptionReader& reader);
  static OptionValue write(bool member) { return {.value = member}; }
};

template <std::integral T>
struct OptionType<T> {
  static std::string type() { return "integer"; }
  static std::string example() { return "25"; }
  static bool takes(const OptionValue& value) { return value.as<std::int64_t>() != nullptr; }
  static bool read(T& target, const OptionValue& value, OptionReader& reader) {
    const auto* number = value.as<std::int64_t>();
    if (number == nullptr) return reader.wrong_type(value, type(), example());
    if (!std::in_range<T>(*number)) {
      constexpr auto high = std::in_range<std::int64_t>(std::numeric_limits<T>::max())
                                ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
                                : std::numeric_limits<std::int64_t>::max();
      return reader.wrong(
          value.source, std::to_string(*number) + " is out of range",
          "allowed is " + std::to_string(std::numeric_limits<T>::min()) + " to " + std::to_string(high));
    }
    target = static_cast<T>(*number);
    return true;
  }
  static OptionValue write(T member) {
    // TOML has no larger integer; a default of "no limit" prints as the largest one.
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    return {.value = std::in_range<std::int64_t>(member) ? static_cast<std::int64_t>(member) : most};
  }
};

template <>
struct OptionType<double> {
  static std::string type() { return "number"; }
  static std::string example() { return "0.5"; }
  static bool takes(const OptionValue& value) {
    return value.as<double>() != nullptr || value.as<std::int64_t>() != nullptr;
  }
  static bool read(double& target, const OptionValue& value, OptionReader& reader);
  static OptionValue write(double member) { return {.value = member}; }
};

template <>
struct OptionType<std::string> {
  static std::string type() { return "text"; }
  static std::string example() { return "\"text\""; }
  static bool takes(const OptionValue& value) { return value.as<std::string>() != nullptr; }
  static bool read(std::string& target, const OptionValue& value, OptionReader& reader);
  static OptionValue write(const std::string& member) { return detail::text_value(member); }
};

template <>
struct OptionType<FilePath> {
  static std::string type() { return "path"; }
  static std::string example() { return "\"/etc/ringpost/file\""; }
  static bool takes(const OptionValue& value) { return value.as<std::string>() != nullptr; }
  static bool read(FilePath& target, const OptionValue& value, OptionReader& reader);
  static OptionValue write(const FilePath& member) { return detail::text_value(member.text); }
};

template <FixedText kText>
struct OptionType<Word<kText>> {
  static std::string type() { return example(); }
  static std::string example() { return json_quoted(kText.view()); }
  static bool takes(const OptionValue& value) {
    const auto* text = value.as<std::string>();
    return text != nullptr && *text == kText.view();
  }
  static bool read(Word<kText>&, const OptionValue& value, OptionReader& reader) {
    return takes(value) || reader.wrong(value.source, "must be " + example() + ", not " + described(value),
                                        "write " + example());
  }
  static OptionValue write(const Word<kText>&) { return detail::text_value(std::string(kText.view())); }
};

template <HasOptionChoices T>
struct OptionType<T> {
  static std::vector<std::string_view> names() {
    std::vector<std::string_view> known;
    for (const auto& choice : option_choices(static_cast<const T*>(nullptr))) known.push_back(choice.name);
    return known;
  }
  static std::string type() { return quoted_choices(names()); }
  static std::string example() { return json_quoted(names().front()); }
  static bool takes(const OptionValue& value) { return value.as<std::string>() != nullptr; }
  static bool read(T& target, const OptionValue& value, OptionReader& reader) {
    const auto* text = value.as<std::string>();
    if (text == nullptr) return reader.wrong_type(value, "text", example());
    const auto found = choice_named<T>(*text);
    if (!found)
      return reader.wrong(value.source, json_quoted(*text) + " is not one of the choices",
                          choice_mend(*text, names()));
    target = *found;
    return true;
  }
  static OptionValue write(T member) { return detail::text_value(std::string(choice_name(member))); }
};

template <HasOptionTable T>
struct OptionType<T> {
  static const OptionTable& table() { return option_table(static_cast<const T*>(nullptr)); }
  static std::string type() { return "table"; }
  static std::string example() { return table_example(table()); }
  static bool takes(const OptionValue& value) { return value.as<OptionValue::Table>() != nullptr; }
  static bool read(T& target, const OptionValue& value, OptionReader& reader) {
    if (!takes(value)) return reader.wrong_type(value, type(), example());
    return read_options(table(), &target, value, reader);
  }
  static OptionValue write(const T& member) { return write_options(table(), &member); }
};

template <class T>
struct OptionType<std::vector<T>> {
  using Element = T;
  static std::string type() { return list_type(OptionType<T>::type()); }
  static std::string example() { return "[" + OptionType<T>::example() + "]"; }
  static bool takes(const OptionValue& value) { return value.as<OptionValue::List>() != nullptr; }
  static bool read(std::vector<T>& target, const OptionValue& value, OptionReader& reader) {
    const auto* list = value.as<OptionValue::List>();
    if (list == nullptr)
      return reader.wrong_type(value, type(),
                               OptionType<T>::takes(value) ? "[" + to_toml(value) + "]" : example());
    std::vector<T> read;
    bool good = true;
    for (const OptionValue& item : *list) {
      T element{};
      good = OptionType<T>::read(element, item, reader) && good;  // every item is looked at
      read.push_back(std::move(element));
    }
    if (good) target = std::move(read);
    return good;
  }
  static OptionValue write(const std::vector<T>& member) {
    OptionValue::List list;
    for (const auto& element : member) list.push_back(OptionType<T>::write(element));
    return {.value = std::move(list)};
  }
  template <class F>
  static void for_each(const std::vector<T>& member, const F& f) {
    for (const auto& element : member) f(element);
  }
};

template <class T>
struct OptionType<Named<T>> {
  using Element = T;
  static std::string type() {
    return HasOptionTable<T> ? "named tables" : "table of name = " + OptionType<T>::type();
  }
  static std::string example() { return "{ name = " + OptionType<T>::example() + " }"; }
  static bool takes(const OptionValue& value) { return value.as<OptionValue::Table>() != nullptr; }
  static bool read(Named<T>& target, const OptionValue& value, OptionReader& reader) {
    const auto* table = value.as<OptionValue::Table>();
    if (table == nullptr) return reader.wrong_type(value, type(), example());
    bool good = true;
    for (const auto& entry : *table) {
      const OptionReader::Inside inside(reader, entry.key);
      reader.note_source(entry.value.source);
      good = OptionType<T>::read(target[entry.key], entry.value, reader) && good;
    }
    return good;
  }
  static OptionValue write(const Named<T>& member) {
    OptionValue::Table table;
    for (const auto& [name, element] : member) table.push_back({name, OptionType<T>::write(element)});
    return {.value = std::move(table)};
  }
  template <class F>
  static void for_each(const Named<T>& member, const F& f) {
    for (const auto& [name, element] : member) f(element);
  }
};

template <class T>
struct OptionType<std::optional<T>> {
  using Element = T;
  static std::string type() { return OptionType<T>::type(); }
  static std::string example() { return OptionType<T>::example(); }
  static bool is_unset_word(const OptionValue& value) {
    // In a free text "unset" is a text like any other.
    if constexpr (std::same_as<T, std::string> || std::same_as<T, FilePath>) return false;
    const auto* text = value.as<std::string>();
    return text != nullptr && *text == "unset";
  }
  static bool takes(const OptionValue& value) { return is_unset_word(value) || OptionType<T>::takes(value); }
  static bool read(std::optional<T>& target, const OptionValue& value, OptionReader& reader) {
    if (is_unset_word(value)) {
      target.reset();
      return true;
    }
    T inner = target.value_or(T{});
    if (!OptionType<T>::read(inner, value, reader)) return false;
    target = std::move(inner);
    return true;
  }
  static OptionValue write(const std::optional<T>& member) {
    return member ? OptionType<T>::write(*member) : OptionValue{};
  }
  template <class F>
  static void for_each(const std::optional<T>& member, const F& f) {
    if (member) f(*member);
  }
};

template <class T>
struct OptionType<Layered<T>> {
  using Element = T;
  static std::string type() { return OptionType<T>::type() + ", or \"unset\""; }
  static std::string example() { return OptionType<T>::example(); }
  static bool takes(const OptionValue& value) {
    return OptionType<Word<"unset">>::takes(value) || OptionType<T>::takes(value);
  }
  static bool read(Layered<T>& target, const OptionValue& value, OptionReader& reader) {
    if (OptionType<Word<"unset">>::takes(value)) {
      target = {std::nullopt, true};
      return true;
    }
    T inner{};
    if (!OptionType<T>::read(inner, value, reader)) return false;
    target = {std::move(inner), false};
    return true;
  }
  static OptionValue write(const Layered<T>& member) {
    if (member.unset) return detail::text_value("unset");
    return member.value ? OptionType<T>::write(*member.value) : OptionValue{};
  }
  template <class F>
  static void for_each(const Layered<T>& member, const F& f) {
    if (member.value) f(*member.value);
  }
};

template <class... Ts>
struct OptionType<std::variant<Ts...>> {
  using Element = void;  // several: only for_each tells
  using Value = std::variant<Ts...>;
  static std::string type() {
    std::string all;
    ((all += (all.empty() ? "" : ", or ") + alternative_type<Ts>()), ...);
    return all;
  }
  static std::string example() {
    std::string all;
    ((all += (all.empty() ? "" : " or ") + OptionType<Ts>::example()), ...);
    return all;
  }
  static bool takes(const OptionValue& value) { return (OptionType<Ts>::takes(value) || ...); }
  static bool read(Value& target, const OptionValue& value, OptionReader& reader) {
    bool good = false;
    if (!(read_as<Ts>(target, value, reader, good) || ...))
      return reader.wrong_type(value, type(), example());
    return good;
  }
  static OptionValue write(const Value& member) {
    return std::visit(
        [](const auto& inner) { return OptionType<std::remove_cvref_t<decltype(inner)>>::write(inner); },
        member);
  }
  template <class F>
  static void for_each(const Value& member, const F& f) {
    std::visit(f, member);
  }

 private:
  // Its keys rather than "table": a variant is one row of the reference.
  template <class T>
  static std::string alternative_type() {
    if constexpr (HasOptionTable<T>)
      return table_type(OptionType<T>::table());
    else
      return OptionType<T>::type();
  }
  // Whether the value has the form of T; then `good` says how reading it went.
  template <class T>
  static bool read_as(Value& target, const OptionValue& value, OptionReader& reader, bool& good) {
    if (!OptionType<T>::takes(value)) return false;
    T inner{};
    good = OptionType<T>::read(inner, value, reader);
    if (good) target = std::move(inner);
    return true;
  }
};

namespace detail {

template <class T>
struct TableIn {
  static constexpr bool kNone = true;
};
template <HasOptionTable T>
struct TableIn<T> {
  static constexpr bool kNone = false;
  static constexpr bool kNamed = false;
  static const OptionTable& table() { return OptionType<T>::table(); }
  static void each(const void* member, const std::function<void(const std::string&, const void*)>& visit) {
    visit({}, member);
  }
};
template <HasOptionTable T>
struct TableIn<Named<T>> {
  static constexpr bool kNone = false;
  static constexpr bool kNamed = true;
  static const OptionTable& table() { return OptionType<T>::table(); }
  static void each(const void* member, const std::function<void(const std::string&, const void*)>& visit) {
    for (const auto& [name, inner] : *static_cast<const Named<T>*>(member)) visit(name, &inner);
  }
};

template <class T>
constexpr OptionCodec make_option_codec() {
  OptionCodec codec{};
  codec.type = &OptionType<T>::type;
  codec.example = &OptionType<T>::example;
  codec.read = [](void* target, const OptionValue& value, OptionReader& reader) {
    return OptionType<T>::read(*static_cast<T*>(target), value, reader);
  };
  codec.write = [](const void* member) { return OptionType<T>::write(*static_cast<const T*>(member)); };
  if constexpr (!TableIn<T>::kNone) {
    codec.table = &TableIn<T>::table;
    codec.each_table = &TableIn<T>::each;
    codec.named = TableIn<T>::kNamed;
  }
  return codec;
}

}  // namespace detail

template <class T>
inline constexpr OptionCodec kOptionCodec = detail::make_option_codec<T>();

}  // namespace ringpost
