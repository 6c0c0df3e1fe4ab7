# shellcheck shell=bash
# shellcheck source=tools/dev/format.sh
source tools/dev/format.sh
dev_lint() {
  need_packages
  our_sources | xargs clang-format-19 --dry-run -Werror
  python3 tests/layers/check_layers.py
  shellcheck -x dev tools/dev/*.sh .ci/run
  [ -f build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
  # Precompiled headers are clang's own business; clang-tidy is told to do without.
  git ls-files -- 'src/*.cpp' 'tools/*.cpp' | xargs -P "$(jobs_count)" -n 4 clang-tidy-19 --quiet -p build/dev
}
