# SPDX-License-Identifier: Apache-2.0
"""Counts what scripts/test ran: JUnit files of ctest, GoogleTest and pytest, and the script's own steps.

A ctest entry that is a GoogleTest program is counted by its cases. Prints failures, the reasons of skips, and last
`N passed, N failed, N skipped`.
"""
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome(case):
    """(passed|failed|skipped, why) of one <testcase>."""
    for kind, tags in (("failed", ("failure", "error")), ("skipped", ("skipped",))):
        for tag in tags:
            if (element := case.find(tag)) is not None:
                text = element.get("message") or element.text or ""
                # GoogleTest and pytest put file:line first, the reason last.
                lines = [line for line in text.strip().splitlines() if line.strip()]
                return kind, lines[-1].strip() if lines else ""
    if case.get("status") in ("notrun", "disabled"):
        return "skipped", f"{case.get('name')} is disabled in the source"
    return "passed", ""


def cases(file):
    try:
        return ElementTree.parse(file).iter("testcase")
    except ElementTree.ParseError:
        return []  # the program died while writing it; ctest says so


def count(folder):
    """[(outcome, name, why)] of everything that ran."""
    found = []
    steps = folder / "steps.tsv"
    if steps.exists():
        found += [tuple(line.split("\t", 2)) for line in steps.read_text().splitlines()]
    for file in sorted(folder.glob("pytest-*.xml")):
        if not list(cases(file)):
            found.append(("failed", file.stem, "ran no test"))
        found += [(*outcome(c)[:1], f"{c.get('classname')}.{c.get('name')}", outcome(c)[1]) for c in cases(file)]
    for file in sorted(folder.glob("ctest-*.xml")):
        preset = file.stem.removeprefix("ctest-")
        for case in cases(file):
            kind, why = outcome(case)
            name = f"{preset}: {case.get('name')}"
            inner = folder / f"gtest-{preset}" / f"{case.get('name')}.xml"
            within = [(*outcome(c)[:1], f"{name}: {c.get('classname')}.{c.get('name')}", outcome(c)[1])
                      for c in (cases(inner) if inner.exists() else [])]
            found += within
            if kind == "passed" and not within and case.get("name", "").endswith("_test"):
                kind, why = "failed", "ran no test"  # each *_test is a GoogleTest program, CMakeLists.txt sees to that
            if not within or (kind == "failed" and all(k != "failed" for k, _, _ in within)):
                found.append((kind, name, why))  # not a GoogleTest program, or it died outside of its cases
    return found


def main():
    found = count(Path(sys.argv[1]))
    for kind, name, why in found:
        if kind == "failed":
            print(f"failed: {name}{': ' if why else ''}{why}")
    reasons = Counter(why or "no reason given" for kind, _, why in found if kind == "skipped")
    for why, times in sorted(reasons.items()):
        print(f"skipped {times}: {why}")
    counts = Counter(kind for kind, _, _ in found)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
