# shellcheck shell=bash
# ./dev bench [WHAT] [ARGUMENTS]: the figures. Nothing passes or fails by time. Arguments go to the programs (micro: --benchmark_filter=...,
# server: see bench/server.py --help, peers: bench/peers.py --help, mail: bench/mail.py --help, --compare and allocators: bench/compare.py --help).
dev_bench() {
  local what=${1:-all}
  [ $# -gt 0 ] && shift
  case "$what" in
    all) bench_micro; bench_server ;;
    micro) bench_micro "$@" ;;
    server) bench_server "$@" ;;
    spool) bench_spool "$@" ;;
    filter) bench_filter "$@" ;;
    peers) bench_peers "$@" ;;
    mail) bench_mail "$@" ;;
    bulk) bench_bulk "$@" ;;
    knobs) bench_knobs "$@" ;;
    allocators) bench_allocators "$@" ;;
    --compare) bench_compare "$@" ;;
    *) die "bench [micro|server|spool|filter|peers|mail|bulk|knobs|allocators|--compare REV] [ARGUMENTS]: there is no '$what'" ;;
  esac
}

# The options of docs/tuning.md, one changed at a time.
bench_knobs() {
  build_preset release ringpost loadgen
  say "each knob beside the defaults (about eight minutes)"
  python3 bench/knobs.py "$@"
}

# Bulk mail to receivers with moods: `bench bulk [MESSAGES [DOMAINS]]`.
bench_bulk() {
  build_preset release ringpost loadgen
  say "100,000 messages to 1,000 domains (about four minutes)"
  python3 bench/bulk.py "$@"
}

# Beside other servers; as root, for the peers live in a mount name space.
bench_peers() {
  build_preset release ringpost loadgen
  say "Ringpost and its peers (about eight minutes)"
  python3 bench/peers.py "$@"
}

# Mailboxes beside Dovecot; as root, for it lives in a mount name space.
bench_mail() {
  build_preset release ringpost loadgen
  say "mailboxes of Ringpost and of Dovecot (about ten minutes; --small: one)"
  python3 bench/mail.py "$@"
}

# The working tree over another revision: a worktree of its own, built alike.
bench_compare() {
  [ $# -gt 0 ] || die "bench --compare REV [ARGUMENTS]"
  local revision tree
  revision=$(git rev-parse --verify --quiet "$1^{commit}") || die "there is no revision '$1'"
  tree=$PWD/build/compare/$revision
  shift
  git worktree prune
  [ -d "$tree" ] || git worktree add --detach "$tree" "$revision" >/dev/null
  say "building ${revision:0:12}"
  (cd "$tree" && build_preset release)
  say "building this tree"
  build_preset release
  python3 bench/compare.py --variant "${revision:0:12}=$tree/build/release" --variant "this=$PWD/build/release" "$@"
}

# The real server with each allocator.
bench_allocators() {
  local name variants=()
  need_packages
  for name in mimalloc jemalloc system; do
    say "building with $name"
    cmake --preset release -B "build/allocator-$name" -DRINGPOST_ALLOCATOR="$name" >/dev/null
    ninja -C "build/allocator-$name" -j "$(jobs_count)" ringpost loadgen
    variants+=(--variant "$name=build/allocator-$name")
  done
  python3 bench/compare.py "${variants[@]}" "$@"
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
  say "CPU of a mail in three filters (about two minutes)"
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
