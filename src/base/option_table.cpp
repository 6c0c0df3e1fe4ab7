#include "ringpost/base/option_table.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace ringpost {

namespace {

// A text of one line: anything else could break a reply, a header or a log line that shows it.
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

bool refuse_control(const OptionValue& value, OptionReader& reader) {
  return reader.wrong(value.source, "has a control character or a line break",
                      "write one line of plain text");
}

// How a scalar that stands where a text should be is written as one.
std::string as_text(const OptionValue& value) {
  const bool scalar = value.as<bool>() != nullptr || value.as<std::int64_t>() != nullptr ||
                      value.as<double>() != nullptr || value.as<OptionValue::Date>() != nullptr;
  return scalar ? json_quoted(to_toml(value)) : "";
}

std::string as_flag(const OptionValue& value) {
  const auto* text = value.as<std::string>();
  const auto* number = value.as<std::int64_t>();
  if ((text != nullptr && (*text == "yes" || *text == "on" || *text == "true")) ||
      (number != nullptr && *number == 1))
    return "true";
  if ((text != nullptr && (*text == "no" || *text == "off" || *text == "false")) ||
      (number != nullptr && *number == 0))
    return "false";
  return "true or false";
}

}  // namespace

Result<Percent> OptionType<Percent>::parse(std::string_view text) {
  Percent percent;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, percent.value, std::chars_format::fixed);
  if (error != std::errc{} || end + 1 != last || *end != '%' || !(percent.value >= 0 && percent.value <= 100))
    return fail(ErrorKind::permanent,
                json_quoted(text) + " is not a percentage; write it as \"10%\", from 0% to 100%");
  return percent;
}
std::string OptionType<Percent>::print(Percent percent) {
  return fmt::format("{}%", percent.value);
}

bool OptionType<bool>::read(bool& target, const OptionValue& value, OptionReader& reader) {
  const bool* flag = value.as<bool>();
  if (flag == nullptr) return reader.wrong_type(value, "true or false", as_flag(value) + ", without quotes");
  target = *flag;
  return true;
}

bool OptionType<double>::read(double& target, const OptionValue& value, OptionReader& reader) {
  if (const auto* number = value.as<double>(); number != nullptr) {
    if (*number != *number || *number - *number != 0)
      return reader.wrong(value.source, "is not finite", "write it as 0.5");
    target = *number;
  } else if (const auto* integer = value.as<std::int64_t>(); integer != nullptr) {
    target = static_cast<double>(*integer);
  } else {
    return reader.wrong_type(value, type(), example());
  }
  return true;
}

bool OptionType<std::string>::read(std::string& target, const OptionValue& value, OptionReader& reader) {
  const auto* text = value.as<std::string>();
  if (text == nullptr) {
    const std::string quoted = as_text(value);
    return reader.wrong_type(value, type(), quoted.empty() ? example() : quoted);
  }
  if (has_control(*text)) return refuse_control(value, reader);
  target = *text;
  return true;
}

bool OptionType<FilePath>::read(FilePath& target, const OptionValue& value, OptionReader& reader) {
  const auto* text = value.as<std::string>();
  if (text == nullptr) return reader.wrong_type(value, type(), example());
  if (has_control(*text)) return refuse_control(value, reader);
  target.text = reader.completed(*text, value.source);
  return true;
}

bool read_options(const OptionTable& table, void* options, const OptionValue& written, OptionReader& reader) {
  return table.read(options, written, reader);
}
OptionValue write_options(const OptionTable& table, const void* options) {
  return table.write(options);
}

// The first plain key stands for all: examples are read in an error message.
std::string table_example(const OptionTable& table) {
  for (const OptionField& field : table.fields())
    if (field.codec->table == nullptr) return fmt::format("{{ {} = {} }}", field.name, field.example());
  return "{ }";
}

std::string table_type(const OptionTable& table) {
  std::string names;
  for (const OptionField& field : table.fields())
    names += (names.empty() ? "" : ", ") + std::string(field.name);
  return "{ " + names + " }";
}

std::string quoted_choices(const std::vector<std::string_view>& words) {
  std::string all;
  for (const std::string_view word : words) all += (all.empty() ? "" : " | ") + json_quoted(word);
  return all;
}

std::string choice_mend(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view near = nearest(word, known);
  const std::string hint = near.empty() ? "" : "did you mean " + json_quoted(near) + "? ";
  return hint + "allowed: " + quoted_choices(known);
}

std::string list_type(std::string_view item_type) {
  std::string item(item_type);
  if (item.find_first_of("|,\"") != std::string::npos) return "list of (" + item + ")";
  if (const auto at = item.find("address"); at != std::string::npos)
    return "list of " + item.insert(at + 7, "es");
  return "list of " + item + "s";
}

std::string shown_bare(const OptionValue& value) {
  const auto* text = value.as<std::string>();
  return text != nullptr ? *text : to_toml(value);
}

void OptionReport::add(bool warning, std::string_view key, std::string message, std::string mend) {
  const OptionValue* at = written_.find(key);
  reader_.add({warning, (at != nullptr ? *at : written_).source,
               key.empty() ? reader_.key() : joined_key(reader_.key(), key), std::move(message),
               std::move(mend)});
}
void OptionReport::error(std::string_view key, std::string message, std::string mend) {
  add(false, key, std::move(message), std::move(mend));
}
void OptionReport::warning(std::string_view key, std::string message, std::string mend) {
  add(true, key, std::move(message), std::move(mend));
}

const OptionField* OptionTable::find(std::string_view key) const {
  const auto at =
      std::find_if(fields_.begin(), fields_.end(), [&](const OptionField& f) { return f.name == key; });
  return at == fields_.end() ? nullptr : &*at;
}

bool OptionTable::read(void* options, const OptionValue& written, OptionReader& reader) const {
  const auto* table = written.as<OptionValue::Table>();
  if (table == nullptr) return reader.wrong_type(written, "table", "key = value lines below its [name]");
  bool good = true;
  for (const OptionEntry& entry : *table) {
    const OptionField* field = find(entry.key);
    if (field == nullptr) {
      report_unknown(entry, reader);
      good = false;
      continue;
    }
    const OptionReader::Inside inside(reader, entry.key);
    reader.note_source(entry.value.source);
    good = read_field(*field, options, entry.value, reader) && good;
  }
  good = report_missing(written, reader) && good;
  // With parts missing, a check that spans keys would accuse what the operator did write.
  if (!good || !check_ || !reader.settings().complete) return good;
  const std::size_t errors_before = reader.error_count();
  OptionReport report(reader, written);
  check_(options, report);
  return reader.error_count() == errors_before;
}

bool OptionTable::read_field(const OptionField& field, void* options, const OptionValue& value,
                             OptionReader& reader) const {
  void* member = field.member(options);
  if (!field.codec->read(member, value, reader)) return false;
  bool good = true;
  for (const auto& check : field.checks)
    if (auto complaint = check(member))
      good = reader.wrong(value.source, std::move(complaint->message), std::move(complaint->mend));
  return good;
}

void OptionTable::report_unknown(const OptionEntry& entry, OptionReader& reader) const {
  std::vector<std::string_view> known;
  for (const OptionField& field : fields_) known.push_back(field.name);
  std::string mend;
  if (const std::string_view near = nearest(entry.key, known); !near.empty())
    mend = fmt::format("did you mean \"{}\"?", near);
  else if (reader.settings().elsewhere)
    mend = reader.settings().elsewhere(entry.key);
  if (mend.empty()) mend = fmt::format("known here: {}", fmt::join(known, ", "));
  const OptionReader::Inside inside(reader, entry.key);
  reader.wrong(entry.value.source,
               entry.value.as<OptionValue::Table>() != nullptr ? "unknown table" : "unknown key",
               std::move(mend));
}

bool OptionTable::report_missing(const OptionValue& written, OptionReader& reader) const {
  bool good = true;
  for (const OptionField& field : fields_) {
    if (!field.is_required || written.find(field.name) != nullptr) continue;
    if (!reader.settings().complete) continue;
    good = false;
    const OptionReader::Inside inside(reader, field.name);
    reader.wrong(written.source, "is not set and has no default",
                 fmt::format("add {} = {}", field.name, field.example()));
  }
  return good;
}

OptionValue OptionTable::write(const void* options) const {
  OptionValue::Table table;
  for (const OptionField& field : fields_) {
    OptionValue value = field.codec->write(field.member_of(options));
    if (!value.unset()) table.push_back({std::string(field.name), std::move(value)});
  }
  return {.value = std::move(table)};
}

void OptionTable::visit(const void* options, const std::string& prefix, const Visit& visit) const {
  for (const OptionField& field : fields_) {
    const void* member = field.member_of(options);
    const std::string key = joined_key(prefix, field.name);
    if (field.codec->table == nullptr) {
      visit(key, field, member);
      continue;
    }
    field.codec->each_table(member, [&](const std::string& name, const void* inner) {
      field.codec->table().visit(inner, field.codec->named ? joined_key(key, name) : key, visit);
    });
  }
}

}  // namespace ringpost
