#include "ringpost/config/load.hpp"

#include <algorithm>
#include <deque>
#include <tuple>

#include <fmt/format.h>

#include "ringpost/config/limits.hpp"

#include "ringpost/config/toml_text.hpp"

namespace ringpost::config {

namespace {

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return std::string(path.substr(0, std::max<std::size_t>(slash, 1)));
}

// One load from the first file to the last finding.
class Load {
 public:
  Load(const Schema& schema, const Loader& loader, const Glob& glob, Loaded& loaded)
      : schema_(schema), loader_(loader), glob_(glob), loaded_(loaded) {}

  void run(const std::string& path) {
    pending_.push_back({path, {}});
    while (!pending_.empty()) {
      const Pending next = std::move(pending_.front());
      pending_.pop_front();
      read_file(next);
    }
    read_parts();
    if (loaded_.ok()) cross_check();
    sort_findings();
  }

 private:
  struct Pending {
    std::string path;
    OptionSource included_at;  // line 0: the main file
  };

  void add(Severity severity, OptionSource at, std::string key, std::string message, std::string mend) {
    loaded_.findings.push_back({severity, at.file < loaded_.files.size() ? loaded_.files[at.file] : "",
                                at.line, std::move(key), std::move(message), std::move(mend)});
  }
  void error(OptionSource at, std::string key, std::string message, std::string mend) {
    add(Severity::error, at, std::move(key), std::move(message), std::move(mend));
  }

  void read_file(const Pending& next) {
    const bool main = next.included_at.line == 0;
    if (std::ranges::find(loaded_.files, next.path) != loaded_.files.end())
      return error(next.included_at, "include", fmt::format("{} is included already", next.path),
                   "name it once");
    if (loaded_.files.size() >= kFilesMax)
      return error(next.included_at, "include", fmt::format("there are more than {} files", kFilesMax),
                   "merge some");
    auto text = loader_(next.path);
    const auto file = static_cast<std::uint32_t>(loaded_.files.size());
    if (!text) {
      complete_ = false;
      if (main) loaded_.files.push_back(next.path);
      const OptionSource at = main ? OptionSource{file, 0} : next.included_at;
      return error(at, main ? "" : "include", "cannot be read: " + text.error().text,
                   fmt::format("check that {} exists and that this user may read it", next.path));
    }
    loaded_.files.push_back(next.path);
    take(read_toml(*text, file), file);
  }

  void take(TomlText parsed, std::uint32_t file) {
    complete_ = complete_ && parsed.complete;
    for (SyntaxError& wrong : parsed.errors)
      error({file, wrong.line}, std::move(wrong.key), std::move(wrong.message), std::move(wrong.mend));
    auto& table = std::get<OptionValue::Table>(parsed.root.value);
    const auto include = std::ranges::find(table, "include", &OptionEntry::key);
    if (include != table.end()) {
      queue_includes(include->value, directory_of(loaded_.files[file]));
      table.erase(include);
    }
    merge(std::get<OptionValue::Table>(root_.value), std::move(table), "");
  }

  void queue_includes(const OptionValue& include, const std::string& directory) {
    OptionReader reader({.directories = std::vector<std::string>(loaded_.files.size(), directory)});
    std::vector<FilePath> patterns;
    {
      const OptionReader::Inside inside(reader, "include");
      OptionType<std::vector<FilePath>>::read(patterns, include, reader);
    }
    take_problems(reader);
    for (const FilePath& pattern : patterns) {
      const auto paths = glob_(pattern.text);
      if (!paths) {
        complete_ = false;
        error(include.source, "include", "cannot be searched: " + paths.error().text,
              "correct " + pattern.text);
        continue;
      }
      for (const std::string& path : *paths) pending_.push_back({path, include.source});
    }
  }

  // Recursion: at most the depth of one file's tree.
  void merge(OptionValue::Table& into, OptionValue::Table from, const std::string& prefix) {
    for (OptionEntry& entry : from) {
      const auto same = std::ranges::find(into, entry.key, &OptionEntry::key);
      if (same == into.end()) {
        into.push_back(std::move(entry));
        continue;
      }
      const std::string key = joined_key(prefix, entry.key);
      auto* old_table = std::get_if<OptionValue::Table>(&same->value.value);
      auto* new_table = std::get_if<OptionValue::Table>(&entry.value.value);
      if (old_table != nullptr && new_table != nullptr)
        merge(*old_table, std::move(*new_table), key);
      else
        error(entry.value.source, key, "is set a second time; the first is in " + place(same->value.source),
              "keep one of the two");
    }
  }

  std::string place(OptionSource at) const { return fmt::format("{}:{}", loaded_.files[at.file], at.line); }

  void take_problems(OptionReader& reader) {
    for (OptionProblem& problem : reader.take_problems())
      add(problem.warning ? Severity::warning : Severity::error, problem.source, std::move(problem.key),
          std::move(problem.message), std::move(problem.mend));
  }

  void read_parts() {
    std::vector<std::string> directories;
    for (const std::string& file : loaded_.files) directories.push_back(directory_of(file));
    OptionReader reader({.directories = std::move(directories),
                         .complete = complete_,
                         .elsewhere = [this](std::string_view key) {
                           const std::string known = schema_.key_named(key);
                           return known.empty() ? known : "the option is " + known;
                         }});
    refuse_unknown_tables(reader);
    for (const Schema::Part& part : schema_.parts()) read_part(part, reader);
    take_problems(reader);
    loaded_.sources = reader.sources();
  }

  void refuse_unknown_tables(OptionReader& reader) const {
    std::vector<std::string_view> known;
    for (const Schema::Part& part : schema_.parts()) known.emplace_back(part.name);
    for (const OptionEntry& entry : std::get<OptionValue::Table>(root_.value)) {
      if (schema_.find(entry.key) != nullptr) continue;
      const bool table = entry.value.as<OptionValue::Table>() != nullptr;
      const std::string_view near = nearest(entry.key, known);
      const std::string elsewhere = reader.settings().elsewhere(entry.key);
      std::string mend = fmt::format("known here: include, {}", fmt::join(known, ", "));
      if (!table && !elsewhere.empty())
        mend = elsewhere;
      else if (!near.empty())
        mend = fmt::format("did you mean [{}]?", near);
      const OptionReader::Inside inside(reader, entry.key);
      reader.wrong(entry.value.source, table ? "unknown table" : "unknown key", std::move(mend));
    }
  }

  void read_part(const Schema::Part& part, OptionReader& reader) {
    const OptionValue nothing{.value = OptionValue::Table{}};
    const OptionValue* written = root_.find(part.name);
    const OptionReader::Inside inside(reader, part.name);
    if (part.named()) {
      if (written != nullptr && good_names(part, *written, reader))
        part.codec->read(part.target, *written, reader);
    } else {
      // An absent table is read too: it may have keys that must be set.
      part.codec->read(part.target, written == nullptr ? nothing : *written, reader);
    }
  }

  bool good_names(const Schema::Part& part, const OptionValue& written, OptionReader& reader) const {
    const auto* table = written.as<OptionValue::Table>();
    if (table == nullptr)
      return reader.wrong_type(written, "named tables", fmt::format("[{}.NAME]", part.name));
    bool good = true;
    for (const OptionEntry& entry : *table) {
      const OptionReader::Inside inside(reader, entry.key);
      if (entry.value.as<OptionValue::Table>() == nullptr || part.table->find(entry.key) != nullptr)
        good = reader.wrong(entry.value.source, "stands in a table without a name",
                            fmt::format("give the table one: [{}.NAME]", part.name));
      else if (!good_name(entry.key))
        good = reader.wrong(entry.value.source, "is no name for a table",
                            fmt::format("use 1 to {} letters, digits and - _ . @", kNameSizeMax));
    }
    return good;
  }

  static bool good_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameSizeMax && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_' || c == '.' || c == '@';
    });
  }

  void cross_check() {
    CrossReport report(loaded_);
    for (const auto& check : schema_.checks()) check(report);
  }

  // By file in the order of reading, then by line.
  void sort_findings() {
    const auto rank = [&](const Finding& f) {
      return std::tuple(std::ranges::find(loaded_.files, f.file) - loaded_.files.begin(), f.line, f.key,
                        f.message);
    };
    std::ranges::sort(loaded_.findings, {}, rank);
  }

  const Schema& schema_;
  const Loader& loader_;
  const Glob& glob_;
  Loaded& loaded_;
  std::deque<Pending> pending_;
  OptionValue root_{.value = OptionValue::Table{}};
  bool complete_ = true;
};

// The source of the key, or of the nearest table around it.
OptionSource source_near(const Loaded& loaded, std::string_view key) {
  for (;;) {
    if (const auto at = loaded.sources.find(key); at != loaded.sources.end()) return at->second;
    const std::size_t dot = key.rfind('.');
    if (dot == std::string_view::npos) return {};
    key = key.substr(0, dot);
  }
}

Finding cross_finding(const Loaded& loaded, Severity severity, std::string_view key, std::string message,
                      std::string mend) {
  const OptionSource at = source_near(loaded, key);
  const std::string file = at.file < loaded.files.size() ? loaded.files[at.file] : "";
  return {severity, file, at.line, std::string(key), std::move(message), std::move(mend)};
}

}  // namespace

void CrossReport::error(std::string_view key, std::string message, std::string mend) {
  loaded_.findings.push_back(
      cross_finding(loaded_, Severity::error, key, std::move(message), std::move(mend)));
}
void CrossReport::warning(std::string_view key, std::string message, std::string mend) {
  loaded_.findings.push_back(
      cross_finding(loaded_, Severity::warning, key, std::move(message), std::move(mend)));
}

bool Loaded::ok() const {
  return std::ranges::none_of(findings, [](const Finding& f) { return f.severity == Severity::error; });
}

std::string Loaded::place_of(std::string_view key) const {
  const auto at = sources.find(key);
  if (at == sources.end() || at->second.line == 0) return "default";
  return fmt::format("{}:{}", files[at->second.file], at->second.line);
}

Loaded load(const Schema& schema, const std::string& path, const Loader& loader, const Glob& glob) {
  Loaded loaded;
  Load(schema, loader, glob, loaded).run(path);
  return loaded;
}

std::string to_string(const Finding& finding) {
  return fmt::format("{}{}: {}: {}{}{}; {}", finding.file,
                     finding.line == 0 ? "" : fmt::format(":{}", finding.line),
                     finding.severity == Severity::error ? "error" : "warning", finding.key,
                     finding.key.empty() ? "" : ": ", finding.message, finding.mend);
}

std::string to_json(const std::vector<Finding>& findings) {
  std::string json = "[";
  for (const Finding& finding : findings)
    json += fmt::format(
        "{}\n  {{\"severity\": \"{}\", \"file\": {}, \"line\": {}, \"key\": {}, \"message\": {}, \"mend\": "
        "{}}}",
        json.size() > 1 ? "," : "", finding.severity == Severity::error ? "error" : "warning",
        json_quoted(finding.file), finding.line, json_quoted(finding.key), json_quoted(finding.message),
        json_quoted(finding.mend));
  return json + (findings.empty() ? "]\n" : "\n]\n");
}

}  // namespace ringpost::config
