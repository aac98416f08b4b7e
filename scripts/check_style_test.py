# SPDX-License-Identifier: Apache-2.0
"""Each kind of wrong is planted in a copy of the tree, and check_style must see it where it was put."""
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def complaints(root):
    run = subprocess.run([sys.executable, ROOT / "scripts/check_style", "--root", root], capture_output=True, text=True)
    lines = run.stdout.splitlines()
    assert run.returncode == (0 if "no complaint" in run.stdout else 1), run.stderr
    return lines


@pytest.fixture
def copy(tmp_path):
    for folder in ("models", "harness", "fuzz", "corpus", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "CMakeLists.txt", tmp_path)
    return tmp_path


LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
PLANTED = {
    "model includes harness": ("models/planted.cc", LICENCE + '#include "harness/wire.h"\n', 2),
    "harness includes fuzz": ("harness/planted.h", LICENCE + '#include "fuzz/scenario_bytes.h"\n', 2),
    "target includes model": ("harness/targets/linux/planted.cc", LICENCE + '#include "models/seq.h"\n', 2),
    "target reaches oracle": ("harness/targets/linux/planted.cc", LICENCE + '#include "harness/session.h"\n', 2),
    "own core includes harness": ("harness/targets/own/planted.cc", LICENCE + '#include "harness/wire.h"\n', 2),
    "no licence": ("models/planted.cc", "int planted;\n", 1),
    "no licence in a program": ("scripts/planted", "#!/usr/bin/env bash\ntrue\n", 1),
    "line too long": ("fuzz/planted.cc", LICENCE + "// " + "x" * 118 + "\n", 2),
    "covers nothing known": ("corpus/planted.pkt", LICENCE + "//! covers: NO_SUCH_rule\n", 2),
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted(copy, what):
    name, text, line = PLANTED[what]
    before = complaints(copy)
    (copy / name).parent.mkdir(parents=True, exist_ok=True)
    (copy / name).write_text(text)
    new = [complaint for complaint in complaints(copy) if complaint not in before and "no complaint" not in complaint]
    assert [c for c in new if c.startswith(f"{name}:{line}: ")] == new != [], new


def test_rule_cited_nowhere_or_listed_twice(copy):
    catalogue = copy / "models/catalogue/rfc9293.def"
    row = 'RULE(MUST_planted, kMust, 9293, "3.1", "", "A rule nobody applies.")\n'
    lines = len(catalogue.read_text().splitlines())
    catalogue.write_text(catalogue.read_text() + row + row)
    found = complaints(copy)
    assert f"models/catalogue/rfc9293.def:{lines + 1}: no code cites Rule::MUST_planted" in found
    assert f"models/catalogue/rfc9293.def:{lines + 2}: MUST_planted stands already in line {lines + 1}" in found
