# Everything that must hold, with sanitizers on. Ends with "N passed, N failed".
dev_test() {
  build_preset dev
  local arguments=(--test-dir build/dev --output-on-failure --no-tests=error -j "$(jobs_count)")
  [ $# -gt 0 ] && arguments+=(-R "$1")
  ctest "${arguments[@]}"
}
