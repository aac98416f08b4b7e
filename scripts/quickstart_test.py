# SPDX-License-Identifier: Apache-2.0
"""quickstart says what it is doing: percent, time left, log. cmake and the program are played by stand-ins."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

CMAKE = """#!/bin/sh
[ "$1" = --preset ] && exit 0
for i in 1 2 3 4; do echo "[$i/4] Building $i"; sleep 1; done
[ -e broken ] && { echo "FAILED: x.o"; exit 1; }
mkdir -p build/release && cp program build/release/tcpassay
"""
PROGRAM = """#!/bin/sh
[ "$1" = targets ] && { echo "linux missing"; echo "  no TUN"; }
exit 0
"""


@pytest.fixture
def tree(tmp_path):
    for name, text in {"bin/cmake": CMAKE, "scripts/setup": "#!/bin/sh\n", "program": PROGRAM}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    shutil.copy(ROOT / "scripts/quickstart", tmp_path / "scripts")

    def run(*arguments):
        return subprocess.run([tmp_path / "scripts/quickstart", *arguments], capture_output=True, text=True, check=False,
                              env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "QUICKSTART_EVERY": "1"})

    return tmp_path, run


def test_says_percent_time_left_and_log(tree):
    done = tree[1]()
    assert done.returncode == 0, done.stderr
    assert "the log is build/quickstart.log" in done.stdout
    assert re.search(r"quickstart: (25|50|75)% built \([123] of 4\), about \d+ s left", done.stdout)
    assert "left out: no TUN" in done.stdout


def test_a_build_that_fails_shows_why(tree):
    (tree[0] / "broken").touch()
    done = tree[1]()
    assert done.returncode == 2 and "FAILED: x.o" in done.stderr and "build/quickstart.log" in done.stdout


def test_help_builds_nothing(tree):
    done = tree[1]("--help")
    assert done.returncode == 0 and "From a fresh clone" in done.stdout and not (tree[0] / "build").exists()
