# SPDX-License-Identifier: Apache-2.0
"""Every program in scripts/ says on --help what it is for, and does nothing else."""
import os
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
PROGRAMS = sorted(file.name for file in FOLDER.iterdir() if file.is_file() and os.access(file, os.X_OK))


@pytest.mark.parametrize("name", PROGRAMS)
def test_help(name):
    done = subprocess.run([FOLDER / name, "--help"], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 40
    assert not done.stderr
