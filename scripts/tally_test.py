# SPDX-License-Identifier: Apache-2.0
"""scripts/tally.py counts what ran, each thing once."""
import subprocess
import sys
from pathlib import Path

TALLY = Path(__file__).resolve().parent / "tally.py"


def tally(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_xml", ".xml").replace("_tsv", ".tsv")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    run = subprocess.run([sys.executable, TALLY, folder], capture_output=True, text=True)
    return run.returncode, run.stdout.splitlines()


CTEST = '<testsuite><testcase name="models_test" status="run"/><testcase name="other" status="run"/></testsuite>'
GTEST = ('<testsuites><testsuite><testcase classname="Seq" name="Wraps" status="run"/>'
         '<testcase classname="Seq" name="Skips" status="run"><skipped message="no TUN"/></testcase>'
         "</testsuite></testsuites>")


def test_googletest_cases_stand_for_their_program(tmp_path):
    status, lines = tally(tmp_path, **{"ctest-dev_xml": CTEST, "gtest-dev__models_test_xml": GTEST,
                                       "steps_tsv": "passed\tstyle\t\n"})
    assert (status, lines) == (0, ["skipped 1: no TUN", "3 passed, 0 failed, 1 skipped"])


def test_a_program_that_dies_outside_of_its_cases_has_failed(tmp_path):
    died = CTEST.replace('name="models_test" status="run"/>',
                         'name="models_test" status="fail"><failure message="SIGSEGV"/></testcase>')
    status, lines = tally(tmp_path, **{"ctest-dev_xml": died, "gtest-dev__models_test_xml": GTEST})
    assert status == 1
    assert lines[0] == "failed: dev: models_test: SIGSEGV"
    assert lines[-1] == "2 passed, 1 failed, 1 skipped"


def test_a_failed_step_fails_all(tmp_path):
    status, lines = tally(tmp_path, **{"steps_tsv": "passed\tstyle\t\nfailed\tbuild dev\tsee log\n"})
    assert (status, lines) == (1, ["failed: build dev: see log", "1 passed, 1 failed, 0 skipped"])


def test_a_program_or_a_file_that_runs_no_test_has_failed(tmp_path):
    empty = "<testsuites><testsuite></testsuite></testsuites>"
    status, lines = tally(tmp_path, **{"ctest-dev_xml": CTEST, "gtest-dev__models_test_xml": empty,
                                       "pytest-cases_xml": empty})
    assert status == 1
    assert lines == ["failed: pytest-cases: ran no test", "failed: dev: models_test: ran no test",
                     "1 passed, 2 failed, 0 skipped"]
