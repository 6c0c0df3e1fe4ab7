# shellcheck shell=bash
# ./dev bench [micro|server|spool] [ARGUMENTS]: micro-benchmarks of the parts, then the real server. Arguments go to the
# programs (micro: --benchmark_filter=..., server: see bench/server.py --help). Nothing passes or fails by time.
dev_bench() {
  local what=${1:-all}
  [ $# -gt 0 ] && shift
  case "$what" in
    all) bench_micro; bench_server ;;
    micro) bench_micro "$@" ;;
    server) bench_server "$@" ;;
    spool) bench_spool "$@" ;;
    *) die "bench [micro|server|spool] [ARGUMENTS]: there is no '$what'" ;;
  esac
}

bench_micro() {
  build_preset release
  local program
  export RINGPOST_BENCH_DIR=$PWD/build/release
  for program in build/release/bench/bench_*; do
    if [ ! -x "$program" ] || [ ! -f "$program" ] || [ "$program" = build/release/bench/bench_spool ]; then continue; fi
    say "$(basename "$program")"
    "$program" --benchmark_min_time=0.2 "$@" 2>/dev/null
  done
}

# `./dev bench spool queue [ARGUMENTS]` has the real server on a long queue: see bench/queue.py --help.
bench_spool() {
  if [ "${1:-}" = queue ]; then
    shift
    build_preset release bench_spool ringpost
    python3 bench/queue.py "$@"
    return
  fi
  build_preset release bench_spool
  RINGPOST_BENCH_DIR=$PWD/build/release build/release/bench/bench_spool "$@"
}

bench_server() {
  build_preset release ringpost loadgen
  say "CPU per message of the server (about two minutes)"
  python3 bench/server.py "$@"
}
