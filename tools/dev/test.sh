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
  local results=build/dev/test-results.xml again=build/dev/test-results-again.xml status=0
  local arguments=(--test-dir build/dev --output-on-failure --no-tests=error)
  rm -f "$results" "$again"
  local chosen=()
  [ $# -gt 0 ] && chosen+=(-R "$1")
  [ "${1:-}" = crash ] && export RINGPOST_CRASHES=${RINGPOST_CRASHES:-20}
  ctest "${arguments[@]}" "${chosen[@]}" -j "$(jobs_count)" --output-junit "$PWD/$results" || status=$?
  # What a busy machine may have disturbed is run once more, alone. Not what keeps a promise: mail lost once is lost.
  if [ "$status" != 0 ] && [ -f "$results" ]; then
    ctest "${arguments[@]}" -R "$(failed_tests "$results")" -LE promise --output-junit "$PWD/$again" || true
  fi
  count_results "$results" "$again"
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

# A pattern that matches the tests that failed, from ctest's own report $1
failed_tests() {
  python3 - "$1" <<'PYTHON'
import re
import sys
import xml.etree.ElementTree

suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
print("^(" + "|".join(re.escape(case.get("name")) for case in suite.iter("testcase") if case.get("status") == "fail") + ")$")
PYTHON
}

# The last lines, from ctest's own reports, and the status: of the first run ($1), and of the tests that were run again ($2).
count_results() {
  [ -f "$1" ] || return 1
  python3 - "$@" <<'PYTHON'
import pathlib
import sys
import xml.etree.ElementTree


def outcome(case):
    """A test whose program was not built counts as failed, whatever ctest calls it."""
    skipped = case.find("skipped")
    if skipped is not None and "SKIP_RETURN_CODE" not in skipped.get("message", "") and case.get("status") != "disabled":
        return "fail"
    return case.get("status")


def cases(path):
    if not pathlib.Path(path).exists():
        return {}
    return {case.get("name"): outcome(case) for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase")}


first, again = cases(sys.argv[1]), cases(sys.argv[2])
failed = [name for name, status in first.items() if status == "fail"]
recovered = [name for name in failed if again.get(name) == "run"]
failed = [name for name in failed if name not in recovered]
skipped = [name for name, status in first.items() if status in ("notrun", "disabled")]
for name in skipped:
    print(f"skipped: {name}")
for name in recovered:
    print(f"failed, and passed when it ran alone: {name}")
for name in failed:
    print(f"failed: {name}")
print(f"{len(first) - len(failed) - len(skipped)} passed, {len(failed)} failed"
      + (f", {len(skipped)} skipped" if skipped else ""))
sys.exit(bool(failed))
PYTHON
}
