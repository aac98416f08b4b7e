# SPDX-License-Identifier: Apache-2.0
"""Each kind of wrong is planted in a copy of the tree, and check_style must see it where it was put."""
import itertools
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOADER = SourceFileLoader("check_style", str(ROOT / "scripts/check_style"))
STYLE = module_from_spec(spec_from_loader("check_style", LOADER))
LOADER.exec_module(STYLE)
SHAPE = sys.modules["cpp_shape"]
ALL_BUT_LAYOUT = ",".join(check for check in STYLE.CHECKS if check != "layout")


def run(root, *arguments):
    return subprocess.run([sys.executable, ROOT / "scripts/check_style", "--root", root, *arguments],
                          capture_output=True, text=True)


def complaints(root, only=ALL_BUT_LAYOUT):
    done = run(root, "--only", only)
    assert done.returncode == (0 if "no complaint" in done.stdout else 1), done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("style: ")]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    for folder in ("models", "harness", "fuzz", "corpus", "scripts"):
        shutil.copytree(ROOT / folder, root / folder)
    for file in ("CMakeLists.txt", ".clang-format"):
        shutil.copy(ROOT / file, root)
    return root, complaints(root)


@pytest.fixture
def plant(tree):
    """plant(name, text): writes the file and says what check_style has to say about that; undone after the test."""
    root, before = tree
    was = {}

    def write(name, text, only=ALL_BUT_LAYOUT):
        path = root / name
        was.setdefault(path, path.read_text() if path.exists() else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return [complaint for complaint in complaints(root, only) if complaint not in before]

    yield write
    for path, text in was.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


def read(name):
    return (ROOT / name).read_text()


LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"


def including(name):
    return LICENCE + f'#include "{name}"\n'


def function_of(lines):
    return "int f() {\n" + "  g();\n" * (lines - 2) + "}\n"


PLANTED = {
    "model includes harness": ("models/planted.cc", including("harness/wire/packet.h"), 2),
    "wire includes target": ("harness/wire/planted.cc", including("harness/target/target.h"), 2),
    "target includes base": ("harness/target/planted.h", including("harness/base/text.h"), 2),
    "base includes script": ("harness/base/planted.h", including("harness/script/scenario.h"), 2),
    "script includes session": ("harness/script/planted.cc", including("harness/session/session.h"), 2),
    "session includes report": ("harness/session/planted.cc", including("harness/report/ladder.h"), 2),
    "report includes check": ("harness/report/planted.h", including("harness/check/check.h"), 2),
    "check includes sweep": ("harness/check/planted.cc", including("harness/sweep/sweep.h"), 2),
    "sweep includes mutation": ("harness/sweep/planted.cc", including("harness/mutation/by_sweep.h"), 2),
    "mutation includes offline": ("harness/mutation/planted_test.cc", including("harness/offline/judge.h"), 2),
    "offline includes cli": ("harness/offline/planted.cc", including("harness/cli/options.h"), 2),
    "harness includes fuzz": ("harness/cli/planted.h", including("fuzz/parsers.h"), 2),
    "fuzz includes Python": ("fuzz/planted.cc", including("scripts/python/module.h"), 2),
    "Python includes fuzz": ("scripts/python/planted.cc", including("fuzz/parsers.h"), 2),
    "includes what is in no room": ("harness/cli/planted.cc", including("harness/wire.h"), 2),
    "target includes model": ("harness/targets/linux/planted.cc", including("models/seq.h"), 2),
    "target reaches oracle": ("harness/targets/linux/planted.cc", including("harness/session/session.h"), 2),
    "target includes target": ("harness/targets/linux/planted.cc", including("harness/targets/own/stack.h"), 2),
    "target includes registry": ("harness/targets/linux/planted.cc", including("harness/targets/registry.h"), 2),
    "own core includes harness": ("harness/targets/own/planted.cc", including("harness/wire/packet.h"), 2),
    "no room": ("harness/planted.md", "Planted.\n", 1),
    "room that is not in the table": ("harness/planted/planted.cc", LICENCE, 1),
    "target that is not in the table": ("harness/targets/planted/planted.cc", LICENCE, 1),
    "no licence": ("models/planted.cc", "int planted;\n", 1),
    "no licence in a program": ("scripts/planted", "#!/usr/bin/env bash\ntrue\n", 1),
    "line too long": ("fuzz/planted.cc", LICENCE + "// " + "x" * 118 + "\n", 2),
    "covers nothing known": ("corpus/planted.pkt", LICENCE + "//! covers: NO_SUCH_rule\n", 2),
    "long function": ("models/planted.cc", LICENCE + function_of(61), 2),
    "long function in a test": ("harness/wire/planted_test.cc", LICENCE + function_of(61), 2),
    "long file": ("harness/wire/planted.cc", LICENCE + "int a;\n" * 400, 1),
    "long test": ("harness/wire/planted_test.cc", LICENCE + "int a;\n" * 600, 1),
    "empty test": ("models/planted_test.cc", LICENCE + "TEST(A, B) {\n  g();\n}\n", 2),
    "test that only skips": ("fuzz/planted_test.cc", LICENCE + "TEST_P(A, B) { GTEST_SKIP() << 1; }\n", 2),
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted(plant, what):
    name, text, line = PLANTED[what]
    new = plant(name, text)
    assert [c for c in new if c.startswith(f"{name}:{line}: ")] == new != [], new


INNOCENT = {
    "function of sixty lines": ("models/planted.cc", LICENCE + function_of(60)),
    "file of 400 lines": ("models/planted.cc", LICENCE + "int a;\n" * 399),
    "long table": ("models/planted.cc", LICENCE + "constexpr int kTable[] = {\n" + "    1,\n" * 500 + "};\n"),
    "long table in a function": ("models/planted.cc", LICENCE + "int f() {\n  static constexpr int kTable[] = {\n" +
                                 "    1,\n" * 80 + "  };\n  return kTable[0];\n}\n"),
    "test whose function asserts": ("models/planted_test.cc", LICENCE + "void checked(int a) { EXPECT_EQ(a, 1); }\n"
                                    "void twice() { checked(1); }\nTEST(A, B) { twice(); }\n"),
    "binding": ("scripts/python/planted.cc", including("harness/cli/options.h")),
    "testdata": ("harness/offline/testdata/planted.pkt", LICENCE),
    "own target": ("harness/targets/own/own_target_planted.cc", including("harness/target/target.h")),
}


@pytest.mark.parametrize("what", INNOCENT)
def test_innocent(plant, what):
    assert plant(*INNOCENT[what]) == []


def test_a_target_reaches_a_model_by_a_room_below_it(plant):
    assert plant("harness/base/planted.h", including("models/tcb.h")) == []
    assert plant("harness/targets/linux/planted.cc", including("harness/base/planted.h")) == [
        "harness/targets/linux/planted.cc:2: a target must not include harness/base/planted.h, which brings "
        + min(brought_by("models/tcb.h"))]


def brought_by(header):
    """The models that a target does not know yet and that this header brings."""
    tree = STYLE.Tree(ROOT)
    return tree.reach(header) - tree.reach("harness/target/target.h")


def test_a_library_that_links_upwards(plant):
    cmake = "harness/CMakeLists.txt"
    lines = read(cmake).splitlines()
    number = next(n for n, line in enumerate(lines) if line.startswith("tcpassay_library(tcpassay_target "))
    lines[number] = "tcpassay_library(tcpassay_target harness/target tcpassay_wire tcpassay_check)"
    new = plant(cmake, "\n".join(lines))
    assert new == [f"{cmake}:{number + 1}: tcpassay_target must not link tcpassay_check, which is not below it"]


def test_rule_cited_nowhere_or_listed_twice(plant):
    catalogue = "models/catalogue/rfc9293.def"
    row = 'RULE(MUST_planted, kMust, 9293, "3.1", 1, "", "A rule nobody applies.")\n'
    lines = len(read(catalogue).splitlines())
    found = plant(catalogue, read(catalogue) + row + row)
    assert f"{catalogue}:{lines + 1}: no code cites Rule::MUST_planted" in found
    assert f"{catalogue}:{lines + 2}: MUST_planted stands already in line {lines + 1}" in found


def test_freedom_without_a_name_or_asked_for_nowhere(plant):
    table = "models/catalogue/freedoms.def"
    lines = len(read(table).splitlines())
    row = 'FREEDOM(kPlanted, kReading, 9293, "3.1", "A freedom nobody asks for.")\n'
    assert plant(table, read(table) + row) == [f"{table}:{lines + 1}: no code asks for Freedom::kPlanted"]
    code = "models/urgent.cc"
    lines = len(read(code).splitlines())
    found = plant(code, read(code) + "bool planted(tcpassay::Step& on) { return on.may(); }\n")
    assert f"{code}:{lines + 1}: a freedom without a name: see models/catalogue/freedoms.def" in found


def test_a_limit_falls_and_never_rises(plant):
    listed = "# list\nmodels/planted.cc f 70\n"
    assert plant(STYLE.EXCEPTIONS, read(STYLE.EXCEPTIONS) + listed) != []  # no such function
    assert plant("models/planted.cc", LICENCE + function_of(70)) == []
    assert plant("models/planted.cc", LICENCE + function_of(71)) == [
        "models/planted.cc:2: f() has 71 lines, at most 70"]
    number = len(read(STYLE.EXCEPTIONS).splitlines()) + 2
    for lines in (69, 60):
        new = plant("models/planted.cc", LICENCE + function_of(lines))
        assert len(new) == 1 and new[0].startswith(f"{STYLE.EXCEPTIONS}:{number}: ") and "--lower" in new[0], new


@pytest.mark.parametrize("lines, after", [(71, "models/planted.cc f 70"), (69, "models/planted.cc f 69"), (60, None)])
def test_lower_lowers_only(plant, tree, lines, after):
    root, _ = tree
    plant(STYLE.EXCEPTIONS, read(STYLE.EXCEPTIONS) + "models/planted.cc f 70\n", only="licence")
    plant("models/planted.cc", LICENCE + function_of(lines), only="licence")
    assert run(root, "--lower").returncode == 0
    kept = (root / STYLE.EXCEPTIONS).read_text().splitlines()
    assert [line for line in kept if "planted" in line] == ([after] if after else [])


def test_layout(plant):
    if not STYLE.clang_format():
        pytest.skip(f"no clang-format {STYLE.CLANG_FORMAT_MAJOR}")
    assert plant("models/planted.cc", LICENCE + "int  planted;\n", only="layout") == [
        f"models/planted.cc:2: not as clang-format {STYLE.CLANG_FORMAT_MAJOR} lays it out"]


def test_layout_says_that_it_is_skipped(tree, monkeypatch):
    root, _ = tree
    monkeypatch.setenv("PATH", "")
    assert "style: layout skipped: no clang-format" in run(root, "--only", "layout").stdout


def test_the_table_of_rooms_is_an_order():
    for lower, upper in itertools.combinations(STYLE.ROOMS, 2):
        assert STYLE.points_up(lower, upper)
        between_targets = upper.startswith("harness/targets/") and upper != STYLE.ADAPTERS
        assert STYLE.points_up(upper, lower) == (between_targets and lower.startswith("harness/targets")), (lower, upper)
        for top in STYLE.TOPS:
            assert STYLE.points_up(lower, top) and not STYLE.points_up(top, lower)


def test_every_edge_of_the_tree_points_down():
    rows = [line.split() for line in run(ROOT, "--edges").stdout.splitlines()[1:]]
    assert len(rows) > 30
    place = {room: number for number, room in enumerate(STYLE.ROOMS + STYLE.TOPS)}
    for room, included, files, arrow in rows:
        assert (arrow, place[included] < place[room]) == ("down", True), (room, included)


CODE = """
namespace a {
struct S : T<int> {
  int f() const { return '{' + 1'000; }
  S() : x_{1}, y_{"}"} {
    g();
  }
};
template <class T>
bool operator==(const T& a, const T& b) {
  return R"({)" == b;  // }
}
enum class E { k };
const auto kLambda = [](int x) {
  return x;
};
std::vector<int> U::all(std::function<void()> then) && noexcept {
#define BRACE {
  if (x) {
    return {1, 2};
  }
}
}  // namespace a
"""


def test_where_functions_begin_and_end():
    found = [(f.name, f.first, f.last) for f in SHAPE.shape(CODE).functions]
    assert found == [("S::f", 4, 4), ("S::S", 5, 7), ("operator==", 9, 12), ("kLambda", 14, 16), ("U::all", 17, 22)]
