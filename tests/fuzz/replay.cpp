// Runs a fuzz target without a fuzzer: every file of its corpus, then seeded mutations of them. So each target is a
// test, the same on each run; libFuzzer (./dev fuzz) then looks further.
//
// Usage: fuzz_TARGET [--mutations N] FILE_OR_FOLDER...     The input that fails is left in ./crash-TARGET.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "fuzz_input.hpp"

#ifdef RINGPOST_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

namespace {

constexpr std::size_t kInputSizeMax = 16 * 1024;

// What runs now. A global, because a signal and a sanitizer's end reach nothing else.
std::string current;
std::string crash_file;

void leave_input() {
  std::FILE* const file = std::fopen(crash_file.c_str(), "wb");
  if (file == nullptr) return;
  std::fwrite(current.data(), 1, current.size(), file);
  std::fclose(file);
  std::fprintf(stderr, "the input that failed is in %s; run this program on it\n", crash_file.c_str());
}

void on_abort(int) {
  leave_input();
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

void run(std::string input) {
  current = std::move(input);
  const std::vector<std::uint8_t> exact(current.begin(), current.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string make() {
    std::string text = any();
    for (std::size_t i = 1 + below(6); i > 0; --i) change(text);
    if (text.size() > kInputSizeMax) text.resize(kInputSizeMax);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  const std::string& any() { return corpus_[below(corpus_.size())]; }
  std::string slice(const std::string& text) {
    const std::size_t from = below(text.size());
    return text.substr(from, 1 + below(40));
  }
  void change(std::string& text) {
    static constexpr std::string_view kBytes("\0\r\n.<> :\x7f\xff@,\"", 13);
    const std::size_t at = below(text.size() + 1);
    switch (below(7)) {
      case 0:
        if (at < text.size())
          text[at] = static_cast<char>(static_cast<unsigned>(text[at]) ^ (1U << below(8)));
        return;
      case 1:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        return;
      case 2:
        text.insert(at, 1, kBytes[below(kBytes.size())]);
        return;
      case 3:
        text.erase(at, 1 + below(20));
        return;
      case 4:
        text.insert(at, slice(text));
        return;
      case 5:
        text.insert(at, slice(any()));
        return;
      default:
        text.replace(at, 1 + below(20), slice(any()));
    }
  }

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_{1};  // NOLINT(cert-msc51-cpp): the same run each time
};

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> read_all(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {read(path)};
  std::vector<std::filesystem::path> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) names.push_back(entry.path());
  std::ranges::sort(names);
  std::vector<std::string> texts;
  for (const auto& name : names) texts.push_back(read(name));
  return texts;
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t mutations = 0;
  std::vector<std::string> corpus;
  const std::filesystem::path program = arguments[0];
  crash_file = "crash-" + program.filename().string();
  for (int i = 1; i < count; ++i) {
    if (std::string_view(arguments[i]) == "--mutations" && i + 1 < count) {
      mutations = std::strtoul(arguments[++i], nullptr, 10);
    } else {
      std::ranges::move(read_all(arguments[i]), std::back_inserter(corpus));
    }
  }
  if (corpus.empty()) {
    fmt::print(stderr, "{}: no input was found\n", program.filename().string());
    return 2;
  }
  std::signal(SIGABRT, on_abort);
#ifdef RINGPOST_SANITIZED
  __sanitizer_set_death_callback(leave_input);
#endif
  for (const std::string& text : corpus) run(text);
  Mutator mutator(corpus);
  for (std::size_t i = 0; i < mutations; ++i) run(mutator.make());
  fmt::print("{}: {} inputs of the corpus and {} mutations\n", program.filename().string(), corpus.size(),
             mutations);
  return 0;
}
