# SPDX-License-Identifier: Apache-2.0
"""A run as a notebook shows it."""
from __future__ import annotations

import html
from typing import Iterable


def ladder_html(ladder: str, notes: Iterable[str]) -> str:
    """The ladder as it stands on a terminal; its verdicts, which begin with ##, are marked and repeated above it."""
    lines = []
    blamed = False
    for line in ladder.splitlines():
        blamed = line.lstrip().startswith("##") or (blamed and line.startswith("       "))
        text = html.escape(line)
        lines.append(f'<mark style="background:#fdd;color:#600">{text}</mark>' if blamed else text)
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    head = f"<ul>{listed}</ul>" if listed else "<p>no verdict against the target</p>"
    return f'<div class="tcpassay">{head}<pre style="line-height:1.2">' + "\n".join(lines) + "</pre></div>"
