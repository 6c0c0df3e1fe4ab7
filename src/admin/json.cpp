#include "ringpost/admin/json.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include "ringpost/admin/limits.hpp"

namespace ringpost::admin {

namespace {

const Json kNull;
const Json::List kNoList;
const Json::Object kNoObject;

// The length of the UTF-8 character at the front, 0 when it is none.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (size == 1) return 1;
  return text.size() >= size && simdjson::validate_utf8(text.data(), size) ? size : 0;
}

void append_text(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const std::string_view character = text.substr(0, size == 0 ? 1 : size);
    const auto first = static_cast<unsigned char>(character[0]);
    if (size == 0)
      out += "\xEF\xBF\xBD";
    else if (first == '"' || first == '\\')
      (out += '\\') += character;
    else if (first < 0x20 || first == 0x7F)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", first);
    else
      out += character;
    text.remove_prefix(character.size());
  }
  out += '"';
}

void append(const Json& json, std::string& out);

void append_list(const Json::List& list, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ',';
    append(list[i], out);
  }
  out += ']';
}

void append_object(const Json::Object& object, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (i > 0) out += ',';
    append_text(object[i].first, out);
    out += ':';
    append(object[i].second, out);
  }
  out += '}';
}

void append(const Json& json, std::string& out) {
  if (const auto* list = json.as<Json::List>())
    append_list(*list, out);
  else if (const auto* object = json.as<Json::Object>())
    append_object(*object, out);
  else if (const auto* text = json.as<std::string>())
    append_text(*text, out);
  else if (json.is_null())
    out += "null";
  else
    out += json.text();
}

Json copy(const simdjson::dom::element& element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::BOOL:
      return bool(element);
    case element_type::INT64:
      return std::int64_t(element);
    case element_type::UINT64:
      return double(std::uint64_t(element));
    case element_type::DOUBLE:
      return double(element);
    case element_type::STRING:
      return std::string_view(element);
    case element_type::NULL_VALUE:
      return {};
    case element_type::ARRAY: {
      Json::List list;
      for (const simdjson::dom::element each : simdjson::dom::array(element)) list.push_back(copy(each));
      return list;
    }
    case element_type::OBJECT: {
      Json::Object object;
      for (const auto& field : simdjson::dom::object(element))
        object.emplace_back(std::string(field.key), copy(field.value));
      return object;
    }
  }
  return {};
}

}  // namespace

const Json& Json::operator[](std::string_view key) const {
  for (const Field& field : object())
    if (field.first == key) return field.second;
  return kNull;
}

Json& Json::set(std::string key, Json value) {
  if (is_null()) value_ = Object{};
  std::get<Object>(value_).emplace_back(std::move(key), std::move(value));
  return *this;
}

std::string Json::text() const {
  if (const auto* text = as<std::string>()) return *text;
  if (const auto* flag = as<bool>()) return *flag ? "true" : "false";
  if (const auto* number = as<std::int64_t>()) return fmt::to_string(*number);
  // JSON has no infinity and no "not a number".
  if (const auto* number = as<double>()) return *number - *number == 0 ? fmt::to_string(*number) : "0";
  return {};
}

std::int64_t Json::number() const {
  if (const auto* number = as<std::int64_t>()) return *number;
  if (const auto* number = as<double>(); number != nullptr && *number > -9e18 && *number < 9e18)
    return static_cast<std::int64_t>(*number);
  return 0;
}

const Json::List& Json::list() const {
  const auto* list = as<List>();
  return list != nullptr ? *list : kNoList;
}
const Json::Object& Json::object() const {
  const auto* object = as<Object>();
  return object != nullptr ? *object : kNoObject;
}

std::string to_string(const Json& json) {
  std::string out;
  append(json, out);
  return out;
}

Result<Json> parse_json(std::string_view text) {
  simdjson::dom::parser parser(kAnswerLineMax);
  if (const auto error = parser.allocate(std::max<std::size_t>(text.size(), 64), kJsonDepthMax);
      error != simdjson::SUCCESS)
    return fail(ErrorKind::exhausted, "JSON: too large");
  simdjson::dom::element element;
  if (const auto error = parser.parse(text.data(), text.size()).get(element); error != simdjson::SUCCESS)
    return fail(ErrorKind::permanent, std::string("JSON: ") + simdjson::error_message(error));
  return copy(element);
}

}  // namespace ringpost::admin
