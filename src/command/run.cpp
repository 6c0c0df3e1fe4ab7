#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "dispatch.hpp"
#include "sendmail.hpp"

namespace ringpost::command {

namespace {

void write_to(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
}

std::string name_of(const char* path) {
  const std::string_view whole = path == nullptr ? "" : path;
  return std::string(whole.substr(whole.rfind('/') + 1));
}

}  // namespace

int run(int argc, char** argv, const Program& program) {
  Context context{.program = program,
                  .out = [](std::string_view text) { write_to(stdout, text); },
                  .err = [](std::string_view text) { write_to(stderr, text); },
                  .wide = isatty(STDOUT_FILENO) == 0};
  // For the many callers of sendmail that can name no file.
  if (const char* config = std::getenv("RINGPOST_CONFIG"); config != nullptr && *config != 0)
    context.config = config;
  std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  std::string name = argc > 0 ? name_of(argv[0]) : "ringpost";
  if (!is_sendmail_name(name) && !words.empty() && is_sendmail_name(words.front())) {
    name = words.front();
    words.erase(words.begin());
  }
  const int code =
      is_sendmail_name(name) ? run_sendmail(context, name, words, STDIN_FILENO) : run_command(context, words);
  if (std::fflush(stdout) != 0 && code == kDone)
    return kFindings;  // the disk or the reader behind a pipe is gone
  return code;
}

}  // namespace ringpost::command
