// JSON values as requests and answers carry them.
//
// Layer:  program; values. Objects keep the order in which they were made.
// Input:  any bytes; depth and size are bounded. Text that is no UTF-8 is written with U+FFFD in its place.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ringpost/base/result.hpp"

namespace ringpost::admin {

class Json {
 public:
  using List = std::vector<Json>;
  using Field = std::pair<std::string, Json>;
  using Object = std::vector<Field>;

  Json() = default;  // null
  Json(bool flag) : value_(flag) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Json(T number) : value_(static_cast<std::int64_t>(number)) {}
  Json(double number) : value_(number) {}
  Json(std::string text) : value_(std::move(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(List list) : value_(std::move(list)) {}
  Json(Object object) : value_(std::move(object)) {}

  template <class T>
  const T* as() const {
    return std::get_if<T>(&value_);
  }
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }

  // A field of an object; null when there is none, or this is no object.
  const Json& operator[](std::string_view key) const;
  Json& set(std::string key, Json value);  // appends a field to an object (or makes one of null); *this

  // What is there, or nothing: for readers of answers, whose form both sides know.
  std::string text() const;  // a number or flag in its plain form too
  std::int64_t number() const;
  const List& list() const;
  const Object& object() const;

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Object> value_;
};

std::string to_string(const Json& json);  // one line
Result<Json> parse_json(std::string_view text);

}  // namespace ringpost::admin
