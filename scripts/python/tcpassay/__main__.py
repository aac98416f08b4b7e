# SPDX-License-Identifier: Apache-2.0
"""`python -m tcpassay` and the command that pip installs: the program that stands in the package."""
from __future__ import annotations

import os
import sys
from pathlib import Path


def program() -> Path:
    """The program of this installation: in the wheel, under the prefix, or in the build folder."""
    package = Path(__file__).resolve().parent
    places = [package / "bin/tcpassay"] + [folder / "bin/tcpassay" for folder in package.parents]
    places.append(package.parent.parent / "tcpassay")
    for place in places:
        if place.is_file() and os.access(place, os.X_OK):
            return place
    raise FileNotFoundError(f"the program tcpassay was not installed with {package}")


def main() -> int:
    try:
        path = str(program())
    except FileNotFoundError as error:
        print(f"tcpassay: {error}", file=sys.stderr)
        return 2
    os.execv(path, [path, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
