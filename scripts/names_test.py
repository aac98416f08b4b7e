# SPDX-License-Identifier: Apache-2.0
"""Ids of rules, freedoms and scenarios are stable: scripts/names.txt has each that was ever used."""
import importlib.machinery
import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOADER = importlib.machinery.SourceFileLoader("names", str(ROOT / "scripts/names"))
names = importlib.util.module_from_spec(importlib.util.spec_from_loader("names", LOADER))
LOADER.exec_module(names)


def tree(folder, rules, scenarios, lines):
    (folder / "models/catalogue").mkdir(parents=True)
    (folder / "models/catalogue/a.def").write_text("".join(f"RULE({rule}, kMust)\n" for rule in rules))
    for scenario in scenarios:
        path = folder / "corpus" / (scenario + ".pkt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (folder / "scripts").mkdir()
    (folder / "scripts/names.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_every_id_of_this_tree_is_listed_and_none_is_reused():
    assert names.wrong(ROOT) == []


def test_an_id_that_is_removed_must_be_retired(tmp_path):
    root = tree(tmp_path, ["A"], [], ["rule A", "rule B", "scenario x/y"])
    assert names.wrong(root) == ["rule B is gone: write 'retired rule B: why' in scripts/names.txt",
                                 "scenario x/y is gone: write 'retired scenario x/y: why' in scripts/names.txt"]


def test_a_retired_id_is_never_reused(tmp_path):
    root = tree(tmp_path, ["A"], ["x/y"], ["retired rule A: said twice", "scenario x/y"])
    assert names.wrong(root) == ["rule A was retired and must not come again: take another id"]


def test_new_ids_are_added_and_reasons_stay(tmp_path):
    root = tree(tmp_path, ["A"], ["x/y", "records/z"], ["retired rule B: said twice"])
    assert len(names.wrong(root)) == 2
    names.add(root)
    assert names.wrong(root) == []
    assert "retired rule B: said twice\n" in (root / "scripts/names.txt").read_text()


def test_bad_lines_are_named(tmp_path):
    root = tree(tmp_path, [], [], ["rule", "retired rule A", "rule B: why"])
    assert len(names.wrong(root)) == 3


def test_changes_of_rules_are_in_the_changelog():
    """models/catalogue/changes.def, which `tcpassay diff` reads, says nothing that people are not told."""
    told = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    changes = re.findall(r"^CHANGE\(\d+, (\w+), ", (ROOT / "models/catalogue/changes.def").read_text(), re.M)
    assert changes
    assert [rule for rule in changes if not re.search(rf"\b{rule}\b", told)] == []
