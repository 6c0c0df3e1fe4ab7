# shellcheck shell=bash
our_sources() { git ls-files -co --exclude-standard -- '*.cpp' '*.hpp'; }
dev_format() { our_sources | xargs clang-format-19 -i; }
