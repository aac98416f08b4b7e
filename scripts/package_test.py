# SPDX-License-Identifier: Apache-2.0
"""`pip install .` builds all that it installs: the targets of the wheel's components are among those that it builds."""
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
if sys.version_info < (3, 11):
    pytest.skip("tomllib comes with Python 3.11", allow_module_level=True)
import tomllib  # noqa: E402

INSTALLED = re.compile(r"install\(TARGETS ([^)]*?)\b(?:RUNTIME|LIBRARY|DESTINATION)[^)]*COMPONENT (\w+)")


def settings():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["scikit-build"]


def installed(components):
    """The targets that the build's files install in one of these components."""
    found = set()
    for folder in ("scripts", "harness", "."):
        for name in sorted((ROOT / folder).glob("**/CMakeLists.txt" if folder == "scripts" else "CMakeLists.txt")):
            for targets, component in INSTALLED.findall(name.read_text(encoding="utf-8")):
                if component in components:
                    found.update(targets.split())
    return found


def test_what_the_wheel_installs_is_built_for_it():
    wheel = settings()
    wanted = installed(wheel["install"]["components"])
    assert {"tcpassay", "tcpassay-agent"} <= wanted
    assert wanted <= set(wheel["build"]["targets"])
