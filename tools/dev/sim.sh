# shellcheck shell=bash
# The simulator: the whole server, its clients, the servers it sends to, DNS and disk in one thread from one seed.
#
#   ./dev sim                    the fixed seeds that `./dev test` runs
#   ./dev sim --seed N           one seed, telling what happens to the machine: how a failure is replayed
#   ./dev sim --minutes M        fresh seeds for so long, and what they have reached
#   ./dev sim --blows N          fresh seeds with mailboxes, until the machine has died N times between the commit of a
#                                mail by the owner of its mailbox and the record of it by who accepted it
#   ./dev sim --mutants [NAME]   the planted bugs of tests/sim/mutants: each must be found within 60 s
#   ./dev sim --hunt ...         any of the others without sanitizers: five times as many seeds in the same time
# Anything else goes to the program as it is (--seeds A-B, --twice, --coverage, --reach).
dev_sim() {
  local preset=dev
  case "${1:-}" in
    --hunt | --mutants) preset=hunt ;;
  esac
  build_preset "$preset" sim
  local program="build/$preset/tests/sim/sim"
  [ "${1:-}" != --hunt ] || shift
  case "${1:-}" in
    --mutants) python3 tests/sim/mutants.py "build/$preset" "${@:2}" ;;
    "") "$program" --file tests/sim/seeds.txt --jobs "$(jobs_count)" --reach ;;
    --seed) "$program" --talk "$@" ;;
    *) "$program" --jobs "$(jobs_count)" "$@" ;;
  esac
}
