# shellcheck shell=bash
# ./dev bench [micro|server|spool|filter] [ARGUMENTS]: micro-benchmarks of the parts, then the real server. Arguments go to the
# programs (micro: --benchmark_filter=..., server: see bench/server.py --help). Nothing passes or fails by time.
dev_bench() {
  local what=${1:-all}
  [ $# -gt 0 ] && shift
  case "$what" in
    all) bench_micro; bench_server ;;
    micro) bench_micro "$@" ;;
    server) bench_server "$@" ;;
    spool) bench_spool "$@" ;;
    filter) bench_filter "$@" ;;
    *) die "bench [micro|server|spool|filter] [ARGUMENTS]: there is no '$what'" ;;
  esac
}

bench_micro() {
  build_preset release
  local program
  export RINGPOST_BENCH_DIR=$PWD/build/release
  for program in build/release/bench/bench_*; do
    if [ ! -x "$program" ] || [ ! -f "$program" ] || [ "$program" = build/release/bench/bench_spool ] ||
      [ "$program" = build/release/bench/bench_filter ]; then continue; fi
    say "$(basename "$program")"
    "$program" --benchmark_min_time=0.2 "$@" 2>/dev/null
  done
}

bench_spool() {
  build_preset release bench_spool
  RINGPOST_BENCH_DIR=$PWD/build/release build/release/bench/bench_spool "$@"
}

bench_server() {
  build_preset release ringpost loadgen
  say "CPU per message of the server (about two minutes)"
  python3 bench/server.py "$@"
}

# bench filter --corpus DIR: spamd and Rspamd are unpacked into build/foreign; nothing is installed.
bench_filter() {
  local corpus=${RINGPOST_CORPUS:-}
  [ "${1:-}" = --corpus ] && { corpus=${2:?--corpus DIR}; shift 2; }
  [ -d "$corpus" ] || die "bench filter needs a folder of mails or of .tar.zst archives: --corpus DIR or RINGPOST_CORPUS"
  # shellcheck source=tools/dev/agree.sh
  source tools/dev/agree.sh
  unpack_oracle
  unpack_filters
  build_preset release bench_filter
  say "CPU of a mail in three filters (about a minute)"
  local mails
  mapfile -t mails < <(python3 tools/dev/agree.py --corpus "$corpus" --out build/agree --list)
  python3 bench/filter.py --program build/release/bench/bench_filter --spamassassin build/foreign/spamassassin \
    --rspamd build/foreign/rspamd --cache build/agree/bench.cache "$@" "${mails[@]}"
}

unpack_filters() {
  local package packages=build/foreign/rspamd/packages
  [ -e build/foreign/rspamd/.complete ] && return
  say "unpacking spamd and Rspamd into build/foreign"
  mkdir -p "$packages"
  for package in spamd rspamd libluajit-5.1-2 libluajit-5.1-common; do
    (cd "$packages" && apt-get download -q -q "$package" >/dev/null) || die "apt-get download $package failed"
  done
  dpkg-deb -x "$packages"/spamd_*.deb build/foreign/spamassassin
  for package in "$packages"/rspamd_*.deb "$packages"/libluajit*.deb; do dpkg-deb -x "$package" build/foreign/rspamd; done
  touch build/foreign/rspamd/.complete
}
