# SPDX-License-Identifier: Apache-2.0
"""Loads the compiled half of the package, or says why it does not load."""
from __future__ import annotations

import os
import sys
from pathlib import Path


def _why() -> str:
    here = Path(__file__).resolve().parent
    built = sorted(file.name for file in here.glob("_tcpassay*.so"))
    wanted = f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}"
    if not built:
        return f"{here} has no compiled module _tcpassay: build it (scripts/quickstart) or install the package (pip install .)"
    return (f"this interpreter is {wanted}, and the package in {here} was built for another one ({', '.join(built)}): "
            "run the interpreter that it was built for, or install it into this one (pip install .)")


def _name_adapters() -> None:
    """The program finds the adapters that stand beside it; an interpreter has to be told where they are."""
    package = Path(__file__).resolve().parent
    places = [package.parent.parent / "targets", *(folder / "lib/tcpassay/targets" for folder in package.parents)]
    found = [str(place) for place in places if place.is_dir()]
    if found:
        os.environ.setdefault("TCPASSAY_TARGETS", ":".join(found))


_name_adapters()
try:
    from . import _tcpassay as core
except ImportError as error:
    if "_tcpassay" not in str(error):  # a library that the module needs is missing, say
        raise
    raise ImportError(_why()) from None

__all__ = ["core"]
