# shellcheck shell=bash
# ./dev fuzz [SECONDS] [TARGET]: runs every fuzzer (or one) for so long. What libFuzzer finds new stays in
# build/fuzz/corpus/TARGET and is used again by the next run; what fails is in build/fuzz/findings.
dev_fuzz() {
  local seconds=${1:-30} only=${2:-} failed=() target name
  [[ $seconds =~ ^[0-9]+$ ]] || die "fuzz [SECONDS] [TARGET]: '$seconds' is no number of seconds"
  local targets=() all=()
  for target in tests/fuzz/corpus/*/; do
    name=$(basename "$target")
    all+=("$name")
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    targets+=("$name")
  done
  [ ${#targets[@]} -gt 0 ] || die "there is no fuzz target '$only'; there are: ${all[*]}"
  build_preset fuzz "${targets[@]/#/fuzz_}"
  mkdir -p build/fuzz/findings
  for name in "${targets[@]}"; do
    say "fuzz $name for $seconds s"
    run_fuzzer "$name" "$seconds" || failed+=("$name")
  done
  if [ ${#failed[@]} -gt 0 ]; then
    die "findings in: ${failed[*]}. Replay one: build/fuzz/tests/fuzz/fuzz_TARGET build/fuzz/findings/TARGET-crash-..."
  fi
  say "${#targets[@]} fuzzers ran for $seconds s each, no findings"
}

run_fuzzer() {
  local name=$1 seconds=$2
  local log=build/fuzz/$name.log
  mkdir -p "build/fuzz/corpus/$name"
  # -max_len: a conversation that needs more to go wrong is one that a limit's own test covers.
  if ! nice "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=8192 -timeout=60 -rss_limit_mb=2048 \
      -use_value_profile=1 -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$name-" \
      "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    return 1
  fi
  grep -E 'stat::(number_of_executed_units|average_exec_per_sec|new_units_added)' "$log" >&2
}
