// Dialogues in text files: what a client says, and what must be said and seen after it.
//
//   # a remark
//   secure | starttls | ...      words before the first turn: what the listener was told
//   C: a line, with CRLF behind it
//   c: bytes as they are; \r \n \0 \\ mean what they do in C
//   S: a line of the answer
//   E: an event
//
// The C lines up to the next S or E are one turn.
#pragma once

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::testing {

struct Turn {
  std::string client;
  std::vector<std::string> expected;
};
struct Dialogue {
  std::string name;
  std::set<std::string> words;
  std::vector<Turn> turns;
};

inline std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
  }
  return out;
}

inline Dialogue read_dialogue(const std::filesystem::path& file) {
  Dialogue dialogue{file.stem().string(), {}, {}};
  std::ifstream in(file);
  bool answered = true;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::string rest = line.size() > 3 ? line.substr(3) : "";
    if (line.starts_with("C:") || line.starts_with("c:")) {
      if (answered) dialogue.turns.emplace_back();
      answered = false;
      dialogue.turns.back().client += line[0] == 'C' ? rest + "\r\n" : unescape(rest);
    } else if (line.starts_with("S:") || line.starts_with("E:")) {
      if (dialogue.turns.empty()) dialogue.turns.emplace_back();
      answered = true;
      dialogue.turns.back().expected.push_back(line);
    } else {
      std::istringstream words(line);
      for (std::string word; words >> word;) dialogue.words.insert(word);
    }
  }
  return dialogue;
}

// Of all files of a folder, by name.
inline std::vector<Dialogue> read_dialogues(const std::filesystem::path& folder) {
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.insert(entry.path());
  std::vector<Dialogue> all;
  for (const auto& file : files) all.push_back(read_dialogue(file));
  return all;
}

}  // namespace ringpost::testing
