# shellcheck shell=bash
# The simulator: the whole server, its clients, the servers it sends to, DNS and disk in one thread from one seed.
#
#   ./dev sim                    the fixed seeds that `./dev test` runs
#   ./dev sim --seed N           one seed, telling what happens to the machine: how a failure is replayed
#   ./dev sim --minutes M        fresh seeds for so long, and what they have reached
#   ./dev sim --blows N          fresh seeds with mailboxes, until the machine has died N times between the commit of a
#                                mail by the owner of its mailbox and the record of it by who accepted it
#   ./dev sim --mutants [NAME]   the planted bugs of tests/sim/mutants: each must be found within 60 s
# Anything else goes to the program as it is (--seeds A-B, --twice, --coverage, --reach).
dev_sim() {
  if [ "${1:-}" = --mutants ]; then
    shift
    build_preset hunt sim
    python3 tests/sim/mutants.py build/hunt "$@"
    return
  fi
  build_preset dev sim
  local program=build/dev/tests/sim/sim
  case "${1:-}" in
    "") "$program" --file tests/sim/seeds.txt --jobs "$(jobs_count)" --reach ;;
    --seed) "$program" --talk "$@" ;;
    *) "$program" --jobs "$(jobs_count)" "$@" ;;
  esac
}
