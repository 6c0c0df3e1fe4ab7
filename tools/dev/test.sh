# shellcheck shell=bash
# Everything that must hold, with sanitizers on. Ends with "N passed, N failed", and how many were skipped if any was.
#
#   ./dev test                 all
#   ./dev test PATTERN         those whose name matches
#   ./dev test crash           the crash checker alone, 20 crashes (RINGPOST_CRASHES says otherwise)
#   ./dev test power [--cuts N]
#                              power cuts alone, 520; each file system's own cuts beside them
dev_test() {
  [ "${1:-}" = power ] && { shift; dev_test_power "$@"; return; }
  build_preset dev
  local results=build/dev/test-results.xml
  # A test that a busy machine disturbed is run once more, and both runs are shown.
  local arguments=(--test-dir build/dev --output-on-failure --no-tests=error --repeat until-pass:2 -j "$(jobs_count)" --output-junit "$PWD/$results")
  [ $# -gt 0 ] && arguments+=(-R "$1")
  [ "${1:-}" = crash ] && export RINGPOST_CRASHES=${RINGPOST_CRASHES:-20}
  rm -f "$results"
  local status=0
  ctest "${arguments[@]}" || status=$?
  count_results "$results"
  return "$status"
}

# Not over ctest: a cut that lost mail must not be forgotten because the next run did not.
dev_test_power() {
  local cuts=520
  [ "${1:-}" = --cuts ] && { cuts=${2:?how many cuts?}; shift 2; }
  [ $# -eq 0 ] || die "test power takes --cuts N"
  [ "$(id -u)" = 0 ] || die "only root can mount file systems"
  build_preset dev ringpost power_disk
  RINGPOST_CUTS=$cuts RINGPOST_TEST_LIMIT=${RINGPOST_TEST_LIMIT:-14400} RINGPOST_BUILD=build/dev PYTHONUNBUFFERED=1 \
    python3 tests/power/power_test.py
}

# The last line, from ctest's own report. $1: its file
count_results() {
  [ -f "$1" ] || return 0
  python3 - "$1" <<'PYTHON'
import sys
import xml.etree.ElementTree

suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
count = {word: int(suite.get(word, 0)) for word in ("tests", "failures", "skipped", "disabled")}
skipped = count["skipped"] + count["disabled"]
passed = count["tests"] - count["failures"] - skipped
for case in suite.iter("testcase"):
    if case.find("skipped") is not None:
        print(f"skipped: {case.get('name')}")
print(f"{passed} passed, {count['failures']} failed" + (f", {skipped} skipped" if skipped else ""))
PYTHON
}
