// Option tables: each option of a struct declared once, with its key, range and one sentence.
//
// Layer: base. Included by a module's options.cpp only:
//
//   const OptionTable& option_table(const CoreOptions*) {
//     static const OptionTable table = options_of<CoreOptions>("cores", "One pinned thread and spool shard each.", {
//         field<&CoreOptions::use>("use", "Which CPUs to run on."),
//         field<&CoreOptions::receive_buffers>("receive_buffers", "Receive buffers of each core.",
//                                              range(1_MiB, 1_GiB), needs_restart()),
//     }, &check_cores);   // optional: void check_cores(const CoreOptions&, OptionReport&), for what spans keys
//     return table;
//   }
//
// Attributes of a field: range(a, b), at_least(a), at_most(b) (on the value, or on each of a list), one_of("a", "b")
// (for strings), not_empty() (strings, paths, lists, tables), items_at_most(n) (lists, tables), required(), checked(f)
// with f(const Member&) -> std::optional<OptionComplaint>, postfix("mynetworks"), example("\"mx1\""), needs_restart()
// (a reload cannot change it).
// Owner: tables are constants, shared by all threads.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/base/option_type.hpp"
#include "ringpost/base/option_value.hpp"
#include "ringpost/base/options.hpp"

namespace ringpost {

struct OptionComplaint {
  std::string message;
  std::string mend;
};

struct OptionField {
  std::string_view name;
  std::string_view help;
  const OptionCodec* codec = nullptr;
  void* (*member)(void* options) = nullptr;
  std::string type;     // "size", "list of endpoints", "\"sleep\" | \"adaptive\""
  std::string allowed;  // "1MiB to 1GiB", or ""
  std::string_view example_text;
  std::string_view postfix_name;
  bool is_required = false;
  bool restart = false;
  std::vector<std::function<std::optional<OptionComplaint>(const void* member)>> checks;

  const void* member_of(const void* options) const { return member(const_cast<void*>(options)); }
  std::string example() const { return example_text.empty() ? codec->example() : std::string(example_text); }
};

// Where the check of a whole struct puts its findings; `key` is a key of that struct, or "" for all of it.
class OptionReport {
 public:
  OptionReport(OptionReader& reader, const OptionValue& written) : reader_(reader), written_(written) {}
  void error(std::string_view key, std::string message, std::string mend);
  void warning(std::string_view key, std::string message, std::string mend);

 private:
  void add(bool warning, std::string_view key, std::string message, std::string mend);
  OptionReader& reader_;
  const OptionValue& written_;
};

class OptionTable {
 public:
  using Check = std::function<void(const void* options, OptionReport& report)>;
  OptionTable(std::string_view name, std::string_view help, std::vector<OptionField> fields,
              std::shared_ptr<const void> defaults, Check check)
      : name_(name),
        help_(help),
        fields_(std::move(fields)),
        defaults_(std::move(defaults)),
        check_(std::move(check)) {}

  std::string_view name() const { return name_; }
  std::string_view help() const { return help_; }
  const std::vector<OptionField>& fields() const { return fields_; }
  const OptionField* find(std::string_view key) const;
  const void* defaults() const { return defaults_.get(); }

  // Sets the members that `written` (a table) names and leaves the others; every problem goes to `reader`.
  bool read(void* options, const OptionValue& written, OptionReader& reader) const;
  OptionValue write(const void* options) const;

  // Each leaf in the order of declaration, with its dotted key; into structs and named tables.
  using Visit = std::function<void(const std::string& key, const OptionField& field, const void* member)>;
  void visit(const void* options, const std::string& prefix, const Visit& visit) const;

 private:
  bool read_field(const OptionField& field, void* options, const OptionValue& value,
                  OptionReader& reader) const;
  void report_unknown(const OptionEntry& entry, OptionReader& reader) const;
  bool report_missing(const OptionValue& written, OptionReader& reader) const;

  std::string_view name_;
  std::string_view help_;
  std::vector<OptionField> fields_;
  std::shared_ptr<const void> defaults_;
  Check check_;
};

namespace detail {

template <class T>
struct MemberOf;
template <class S, class M>
struct MemberOf<M S::*> {
  using Struct = S;
  using Member = M;
};

// The scalars in a member: itself, the one in an optional, each of a list, the alternative of a variant.
template <class M, class F>
void for_each_scalar(const M& member, const F& f) {
  if constexpr (requires { typename OptionType<M>::Element; })
    OptionType<M>::for_each(member, [&](const auto& element) { for_each_scalar(element, f); });
  else
    f(member);
}

// int bounds for every integer, duration bounds for Duration, but never a number for a size.
template <class T, class V>
concept BoundFor = std::convertible_to<T, V> && (std::is_arithmetic_v<T> == std::is_arithmetic_v<V>) &&
                   std::totally_ordered<V> && !std::same_as<V, bool> && !std::same_as<V, std::string>;

template <class V, class T>
bool below(const V& value, const T& bound) {
  if constexpr (std::integral<V> && std::integral<T>)
    return std::cmp_less(value, bound);
  else
    return value < static_cast<V>(bound);
}
template <class V, class T>
bool above(const V& value, const T& bound) {
  if constexpr (std::integral<V> && std::integral<T>)
    return std::cmp_greater(value, bound);
  else
    return value > static_cast<V>(bound);
}

template <class T>
std::string bound_text(const T& bound) {
  if constexpr (std::convertible_to<T, Duration> && !std::is_arithmetic_v<T>)
    return to_string(Duration{bound});
  else if constexpr (std::is_arithmetic_v<T>)
    return to_toml(OptionType<T>::write(bound));
  else
    return shown_bare(OptionType<T>::write(bound));
}

}  // namespace detail

// Attributes. Each has `apply<Member>(OptionField&)`.
template <class T>
struct RangeAttribute {
  std::optional<T> low, high;

  std::string text() const {
    if (low && high) return detail::bound_text(*low) + " to " + detail::bound_text(*high);
    return low ? "at least " + detail::bound_text(*low) : "at most " + detail::bound_text(*high);
  }
  template <class Member>
  void apply(OptionField& field) const {
    field.allowed = text();
    field.checks.emplace_back([range = *this](const void* member) {
      std::optional<OptionComplaint> complaint;
      detail::for_each_scalar(*static_cast<const Member*>(member), [&](const auto& value) {
        using V = std::remove_cvref_t<decltype(value)>;
        if constexpr (detail::BoundFor<T, V>)
          if ((range.low && detail::below(value, *range.low)) ||
              (range.high && detail::above(value, *range.high)))
            complaint = {to_toml(OptionType<V>::write(value)) + " is out of range",
                         "allowed is " + range.text()};
      });
      return complaint;
    });
  }
};
template <class A, class B>
RangeAttribute<std::common_type_t<A, B>> range(A low, B high) {
  return {low, high};
}
template <class T>
RangeAttribute<T> at_least(T low) {
  return {low, std::nullopt};
}
template <class T>
RangeAttribute<T> at_most(T high) {
  return {std::nullopt, high};
}

struct OneOfAttribute {
  std::vector<std::string_view> words;
  template <class Member>
  void apply(OptionField& field) const {
    field.type = quoted_choices(words);
    field.checks.emplace_back([known = words](const void* member) {
      std::optional<OptionComplaint> complaint;
      detail::for_each_scalar(*static_cast<const Member*>(member), [&](const auto& value) {
        if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, std::string>)
          if (std::find(known.begin(), known.end(), value) == known.end())
            complaint = {json_quoted(value) + " is not one of the choices", choice_mend(value, known)};
      });
      return complaint;
    });
  }
};
template <std::convertible_to<std::string_view>... Words>
OneOfAttribute one_of(Words... words) {
  return {{std::string_view(words)...}};
}

struct NotEmptyAttribute {
  template <class Member>
  void apply(OptionField& field) const {
    field.checks.emplace_back([](const void* member) -> std::optional<OptionComplaint> {
      if (!static_cast<const Member*>(member)->empty()) return std::nullopt;
      return OptionComplaint{"is empty", "write at least one, as " + OptionType<Member>::example()};
    });
  }
};
inline NotEmptyAttribute not_empty() {
  return {};
}

struct ItemsAtMostAttribute {
  std::size_t max;
  template <class Member>
  void apply(OptionField& field) const {
    field.allowed = "at most " + std::to_string(max) + " items";
    field.checks.emplace_back([limit = max](const void* member) -> std::optional<OptionComplaint> {
      const std::size_t count = static_cast<const Member*>(member)->size();
      if (count <= limit) return std::nullopt;
      return OptionComplaint{"has " + std::to_string(count) + " items",
                             "allowed are " + std::to_string(limit)};
    });
  }
};
inline ItemsAtMostAttribute items_at_most(std::size_t max) {
  return {max};
}

template <class F>
struct CheckedAttribute {
  F check;
  template <class Member>
  void apply(OptionField& field) const {
    field.checks.emplace_back(
        [f = check](const void* member) { return f(*static_cast<const Member*>(member)); });
  }
};
template <class F>
CheckedAttribute<F> checked(F check) {
  return {std::move(check)};
}

template <class F>
struct PlainAttribute {
  F set;
  template <class Member>
  void apply(OptionField& field) const {
    set(field);
  }
};
template <class F>
PlainAttribute(F) -> PlainAttribute<F>;

inline auto postfix(std::string_view name) {
  return PlainAttribute{[name](OptionField& field) { field.postfix_name = name; }};
}
inline auto example(std::string_view toml) {
  return PlainAttribute{[toml](OptionField& field) { field.example_text = toml; }};
}
inline auto required() {
  return PlainAttribute{[](OptionField& field) { field.is_required = true; }};
}
inline auto needs_restart() {
  return PlainAttribute{[](OptionField& field) { field.restart = true; }};
}

template <auto kMember, class... Attributes>
OptionField field(std::string_view name, std::string_view help, const Attributes&... attributes) {
  using Of = detail::MemberOf<decltype(kMember)>;
  using Member = typename Of::Member;
  OptionField made;
  made.name = name;
  made.help = help;
  made.codec = &kOptionCodec<Member>;
  made.member = [](void* options) -> void* {
    return &(static_cast<typename Of::Struct*>(options)->*kMember);
  };
  made.type = made.codec->type();
  (attributes.template apply<Member>(made), ...);
  return made;
}

template <class S>
OptionTable options_of(std::string_view name, std::string_view help, std::vector<OptionField> fields,
                       void (*check)(const S&, OptionReport&) = nullptr) {
  OptionTable::Check erased;
  if (check != nullptr)
    erased = [check](const void* options, OptionReport& report) {
      check(*static_cast<const S*>(options), report);
    };
  return OptionTable(name, help, std::move(fields), std::make_shared<const S>(), std::move(erased));
}

}  // namespace ringpost
