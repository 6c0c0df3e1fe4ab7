# shellcheck shell=bash
# The simulator: the whole server, its clients, the servers it sends to, DNS and disk in one thread from one seed.
#
#   ./dev sim                    the fixed seeds that `./dev test` runs
#   ./dev sim --seed N           one seed, telling what happens to the machine: how a failure is replayed
#   ./dev sim --minutes M        fresh seeds for so long, and what they have reached
#   ./dev sim --mutants [NAME]   the planted bugs of tests/sim/mutants: each must be found within 60 s
# Anything else goes to the program as it is (--seeds A-B, --twice, --coverage).
dev_sim() {
  if [ "${1:-}" = --mutants ]; then
    shift
    sim_mutants "$@"
    return
  fi
  build_preset dev sim
  local program=build/dev/tests/sim/sim
  case "${1:-}" in
    "") "$program" --file tests/sim/seeds.txt --jobs "$(jobs_count)" --coverage ;;
    --seed) "$program" --talk "$@" ;;
    *) "$program" --jobs "$(jobs_count)" "$@" ;;
  esac
}

# Each patch is applied to a copy of the sources with a build folder of its own, so that a plain build never sees it.
sim_mutants() {
  local only=${1:-} tree=build/mutants patch name missed=()
  need_packages
  copy_sources "$tree"
  [ -f "$tree/build/dev/build.ninja" ] || (cd "$tree" && cmake --preset dev >/dev/null)
  for patch in tests/sim/mutants/*.patch; do
    name=$(basename "$patch" .patch)
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    say "mutant $name"
    patch --quiet --no-backup-if-mismatch -d "$tree" -p1 <"$patch" || die "$patch does not apply any more"
    build_mutant "$tree" || die "mutant $name does not compile"
    find_mutant "$tree" || missed+=("$name")
    patch --quiet --reverse -d "$tree" -p1 <"$patch"
  done
  [ ${#missed[@]} -eq 0 ] || die "not found within 60 s: ${missed[*]}"
  say "every mutant was found"
}

# Only what differs is written, so that little is compiled again.
copy_sources() {
  local tree=$1 file
  mkdir -p "$tree"
  git ls-files --cached --others --exclude-standard | while read -r file; do
    [ -f "$file" ] || continue
    cmp -s "$file" "$tree/$file" && continue
    mkdir -p "$tree/$(dirname "$file")"
    cp "$file" "$tree/$file"
  done
}

build_mutant() {
  ninja -C "$1/build/dev" -j "$(jobs_count)" sim >"$1/build.log" 2>&1 && return
  tail -n 30 "$1/build.log" >&2
  return 1
}

find_mutant() {
  local log=$1/found.log begun=$SECONDS
  if timeout 60 "$1/build/dev/tests/sim/sim" --minutes 2 --jobs "$(jobs_count)" >"$log" 2>&1; then
    return 1
  fi
  grep -q 'BAD' "$log" || return 1
  grep -A 1 'BAD' "$log" | tail -n 1 >&2
  say "found after $((SECONDS - begun)) s"
}
