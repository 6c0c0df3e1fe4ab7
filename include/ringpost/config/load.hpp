// Reads TOML into the structs of a Schema, and finds everything that is wrong, each with file, line, key and mend.
//
// Layer:  pure. The caller reads the files, through a Loader and a Glob, so that tests and fuzzers need no disk.
// Input:  any bytes. No exception leaves; recursion is bounded.
// Limits: config/limits.hpp; each exceeded one is a finding.
// Text:   TOML 1.0, with `include = ["conf.d/*.toml"]` at the top: tables are merged over all files, a key set twice is
//         an error that names both places, relative paths belong to the folder of the file they stand in.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/option_value.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/config/schema.hpp"

namespace ringpost::config {

enum class Severity : unsigned char { error, warning };

struct Finding {
  Severity severity = Severity::error;
  std::string file;
  std::uint32_t line = 0;  // 0: the file as a whole
  std::string key;         // dotted, "" where there is none
  std::string message;     // what is wrong
  std::string mend;        // what to write instead
};

// The content of a file; may refuse what is larger than kFileSizeMax.
using Loader = std::function<Result<std::string>(const std::string& path)>;
// The files that match a pattern (complete with its folder), sorted; none is fine.
using Glob = std::function<Result<std::vector<std::string>>(const std::string& pattern)>;

struct Loaded {
  std::vector<Finding> findings;  // by file, then by line
  std::vector<std::string> files;
  OptionReader::Sources sources;  // who set each key

  bool ok() const;  // no errors: the structs hold the configuration. Else they hold parts of it: drop them.
  // "/etc/ringpost/ringpost.toml:12", or "default".
  std::string place_of(std::string_view key) const;
};

// `path` should be absolute, so that paths in it are.
Loaded load(const Schema& schema, const std::string& path, const Loader& loader, const Glob& glob);

// "ringpost.toml:12: error: server.hostnme: unknown key; did you mean "hostname"?"
std::string to_string(const Finding& finding);
std::string to_json(const std::vector<Finding>& findings);

}  // namespace ringpost::config
