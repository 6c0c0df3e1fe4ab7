// The configuration: any text gives an answer, every finding has a place, and what loads shows itself so that it reads
// back as the same. Several files stand in one input, with the marker between them: the main file, then conf.d/1.toml...
#include <algorithm>
#include <string>

#include "ringpost/config/print.hpp"

#include "fuzz_input.hpp"
#include "unit/config/sample_options.hpp"

using namespace ringpost;

namespace {

config::Disk make_disk(fuzz::Input input) {
  config::Disk disk;
  disk.files[config::kMain] = input.until(fuzz::kTurn);
  for (int i = 1; i < 5 && !input.empty(); ++i)
    disk.files["/etc/ringpost/conf.d/" + std::to_string(i) + ".toml"] = input.until(fuzz::kTurn);
  return disk;
}

void check_findings(const config::Loaded& loaded, const config::Disk& disk) {
  for (const config::Finding& finding : loaded.findings) {
    RP_ASSERT(!finding.message.empty() && !config::to_string(finding).empty());
    const auto file = disk.files.find(finding.file);
    if (file == disk.files.end()) continue;  // an included file that is not there
    RP_ASSERT(finding.line <= 2 + static_cast<std::size_t>(std::ranges::count(file->second, '\n')));
  }
  (void)config::to_json(loaded.findings);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const config::Disk disk = make_disk(fuzz::Input(bytes, size));
  config::Everything options;
  const config::Schema schema = options.schema();
  const config::Loaded loaded = config::load(schema, config::kMain, disk.loader(), disk.glob());
  check_findings(loaded, disk);
  if (!loaded.ok()) return 0;

  (void)config::show_json(schema, loaded);
  const config::Disk shown{{{config::kMain, config::show(schema, loaded)}}};
  config::Everything again_options;
  const config::Schema again_schema = again_options.schema();
  const config::Loaded again = config::load(again_schema, config::kMain, shown.loader(), shown.glob());
  RP_ASSERT(again.ok());
  // The same but for the places, which stand behind '#'.
  const auto values = [](std::string text) {
    std::string kept;
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t end = std::min(text.find('\n', from), text.size());
      const std::string_view line = std::string_view(text).substr(from, end - from);
      kept.append(line.substr(0, line.rfind('#'))).append("\n");
      from = end + 1;
    }
    return kept;
  };
  RP_ASSERT(values(shown.files.at(config::kMain)) == values(config::show(again_schema, again)));
  return 0;
}
