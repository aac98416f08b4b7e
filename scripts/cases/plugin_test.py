# SPDX-License-Identifier: Apache-2.0
"""The plugin of pytest, seen from outside: one run of pytest over a project of somebody else."""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

tcpassay = pytest.importorskip("tcpassay")

PROJECT = '''
import pytest

def established(bed):
    return bed.open_passively()[1]

def test_sound(bed, target):
    established(bed).write(10)
    assert target.name == "own"

@pytest.mark.bed(plant="rst_out_of_window")
def test_violated(bed):
    established(bed)
    bed.inject("R", seq=2**31, win=0)

def test_fails_by_itself(bed):
    established(bed)
    bed.expect("R.")

@pytest.mark.bed(plant="rst_out_of_window")
@pytest.mark.deviation("R5961_RST", "SA4_2_outside", "MUST_rst", reason="known since long")
def test_other_names(bed):
    established(bed)

@pytest.mark.covers("MUST_10")
def test_covers_nothing(bed):
    pass

@pytest.mark.needs("virtual-time")
def test_able(bed):
    assert bed.can("virtual-time")

@pytest.mark.bed(ip=6)
def test_over_ipv6(bed):
    established(bed)
    assert bed.identity["ip"] == 6
'''


def run_pytest(folder, *arguments):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", "out.xml", *arguments]
    paths = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": paths})


def broken_rules(plant, play):
    with tcpassay.open("own", plant=plant) as bed:
        bed.open_passively()
        play(bed)
        return [verdict.rule for verdict in bed.judge() if verdict.kind == "violated"]


@pytest.fixture(scope="module")
def listed():
    """The rules that the planted defect breaks: a project names them as known deviations."""
    return broken_rules("rst_out_of_window", lambda bed: bed.inject("R", seq=2**31, win=0))


@pytest.fixture(scope="module")
def played(tmp_path_factory, listed):
    folder = tmp_path_factory.mktemp("project")
    names = ", ".join(map(repr, listed))
    text = PROJECT.replace('"R5961_RST", "SA4_2_outside", "MUST_rst"', names) + f'''
@pytest.mark.bed(plant="rst_out_of_window")
@pytest.mark.deviation({names}, target="own", reason="known since long")
def test_known(bed):
    established(bed)
    bed.inject("R", seq=2**31, win=0)

@pytest.mark.bed(plant="rst_out_of_window")
@pytest.mark.deviation({names}, target="linux")
def test_known_of_another(bed):
    established(bed)
    bed.inject("R", seq=2**31, win=0)
'''
    (folder / "theirs_test.py").write_text(text)
    done = run_pytest(folder, "--tcpassay-target", "own")
    cases = {case.get("name").partition("[")[0]: case for case in ET.parse(folder / "out.xml").iter("testcase")}
    return done, cases


def outcome(case):
    children = [child for child in case if child.tag in ("failure", "skipped", "error")]
    return (children[0].tag, children[0].get("message") or "", children[0].text or "") if children else ("passed", "", "")


@pytest.mark.parametrize("name", ["test_sound", "test_able", "test_over_ipv6"])
def test_a_sound_case_passes(played, name):
    assert outcome(played[1][name])[0] == "passed", played[0].stdout


def test_a_violated_must_fails_the_case_and_shows_the_ladder(played, listed):
    kind, message, text = outcome(played[1]["test_violated"])
    assert kind == "failure" and f"MUST violated: {listed[0]}" in message
    assert "| target" in text and f"## MUST {listed[0]}" in text


def test_a_failed_case_shows_the_ladder_and_names_the_capture(played):
    kind, _, text = outcome(played[1]["test_fails_by_itself"])
    assert kind == "failure" and "expected flags R., seen nothing" in text and "| target" in text
    capture = played[1]["test_fails_by_itself"].find("properties/property[@name='tcpassay_capture']").get("value")
    assert re.search(r"^capture: " + re.escape(capture), text, re.MULTILINE)
    assert Path(capture).read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"  # a section header of pcapng


def test_a_capture_has_the_verdicts_as_comments(played, listed):
    capture = played[1]["test_violated"].find("properties/property[@name='tcpassay_capture']").get("value")
    assert listed[0].encode() in Path(capture).read_bytes()


def test_a_known_deviation_is_an_expected_failure(played):
    kind, message, text = outcome(played[1]["test_known"])
    assert kind == "skipped" and "known since long" in message + text, played[0].stdout


def test_a_known_deviation_of_another_target_counts_not(played):
    assert outcome(played[1]["test_known_of_another"])[0] == "failure"


def test_a_known_deviation_that_is_gone_fails(played):
    kind, message, _ = outcome(played[1]["test_other_names"])
    assert kind == "failure" and "own no longer deviates from" in message


def test_a_covered_rule_must_have_been_judged(played):
    kind, message, _ = outcome(played[1]["test_covers_nothing"])
    assert kind == "failure" and "covers MUST_10" in message


def run_case(tmp_path, text, *arguments):
    (tmp_path / "theirs_test.py").write_text("import pytest\n" + text)
    return run_pytest(tmp_path, *arguments)


def test_a_name_that_is_none_is_an_error(tmp_path):
    done = run_case(tmp_path, "@pytest.mark.covers('MUST_999')\ndef test_one(bed): pass\n")
    assert done.returncode == 4 and "there is no rule 'MUST_999'" in done.stderr + done.stdout
    done = run_case(tmp_path, "def test_one(bed): pass\n", "--tcpassay-target", "nonesuch")
    assert done.returncode == 4 and "unknown target 'nonesuch'" in done.stderr + done.stdout


def test_a_target_that_lacks_an_ability_is_a_skip(tmp_path):
    if not any(row.available for row in tcpassay.targets() if row.name == "linux"):
        pytest.skip("the target linux is not available")
    case = "@pytest.mark.needs('virtual-time')\ndef test_one(bed): assert False\n"
    assert "linux lacks virtual-time" in run_case(tmp_path, case, "--tcpassay-target", "linux", "-rs").stdout


def test_without_the_option_a_case_runs_on_every_target(tmp_path):
    done = run_case(tmp_path, "def test_one(target): pass\n", "--collect-only")
    for row in tcpassay.targets():
        assert f"test_one[{row.name}]" in done.stdout


def test_a_fixture_of_the_same_name_is_left_alone(tmp_path):
    done = run_case(tmp_path, "@pytest.mark.parametrize('target', [1, 2])\ndef test_one(target): assert target in (1, 2)\n")
    assert "2 passed" in done.stdout
