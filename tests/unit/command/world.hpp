// The commands as somebody calls them, with a folder of their own and words that are kept.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command/dispatch.hpp"
#include "command/sendmail.hpp"

namespace ringpost::command {

class World {
 public:
  World() {
    char name[] = "/tmp/ringpost_command_XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~World() { std::filesystem::remove_all(folder_); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }
  std::string read(const std::string& name) const {
    std::ifstream stream(file(name));
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
  }

  Context context() {
    Context made{.program = {.serve = [](const std::string&) { return 0; },
                             .load = &server::load_configuration,
                             .schema_of = &server::schema_of,
                             .hostname_of = [](const server::Configuration& c) { return c.hostname(); }},
                 .out = [this](std::string_view text) { out += text; },
                 .err = [this](std::string_view text) { err += text; }};
    made.config = file("ringpost.toml");
    return made;
  }
  int run(const std::vector<std::string>& words) {
    out.clear();
    err.clear();
    Context mine = context();
    return run_command(mine, words);
  }

  std::string out, err;

 private:
  std::string folder_;
};

}  // namespace ringpost::command
