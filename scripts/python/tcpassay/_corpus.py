# SPDX-License-Identifier: Apache-2.0
"""The scenarios and the known deviations that came with the package."""
from __future__ import annotations

import os
from pathlib import Path


def corpus() -> Path:
    """The folder with the scenarios: $TCPASSAY_CORPUS, or the one that came with the package."""
    if named := os.environ.get("TCPASSAY_CORPUS"):
        return Path(named)
    package = Path(__file__).resolve().parent
    for folder in (package, *package.parents):  # in a wheel, under a prefix, in the sources
        for place in (folder / "share/tcpassay/corpus", folder / "corpus"):
            if (place / "deviations").is_dir():
                return place
    raise FileNotFoundError("no corpus was installed with the package; TCPASSAY_CORPUS can name one")
