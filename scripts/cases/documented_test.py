# SPDX-License-Identifier: Apache-2.0
"""The cases that the pages show run, and so do their other blocks of Python."""
import re
from pathlib import Path

import pytest

from plugin_test import run_pytest

tcpassay = pytest.importorskip("tcpassay")

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCKS = [(page.name, block) for page in sorted(DOCS.glob("*.md"))
          for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("name, block", BLOCKS, ids=[f"{name}-{number}" for number, (name, _) in enumerate(BLOCKS)])
def test_a_block_of_python(name, block, tmp_path):
    if "scapy" in block:
        pytest.importorskip("scapy.layers.inet", reason="Scapy is not installed (package python3-scapy)")
    if "def test_" not in block:  # lines of a case
        lines = block.replace('open("linux")', 'open("own")').splitlines()
        begun = [] if "tcpassay.open" in block else ["bed.listen()"]
        block = "def test_block(bed):\n" + "".join(f"    {line}\n" for line in begun + lines)
    (tmp_path / "block_test.py").write_text(block)
    done = run_pytest(tmp_path, "--tcpassay-target", "own")
    assert done.returncode == 0, done.stdout
    assert re.search(r"[1-9]\d* passed", done.stdout)


def test_there_are_blocks():
    assert {"python.md", "tutorial.md"} <= {name for name, _ in BLOCKS}
