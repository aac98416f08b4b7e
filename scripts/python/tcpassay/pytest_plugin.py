# SPDX-License-Identifier: Apache-2.0
"""The plugin of pytest: a case runs on every target, and the judge has the last word.

Fixtures    target   the target at hand (tcpassay.TargetInfo); the case runs once for each, or for those of
                     --tcpassay-target; one that is missing here is a skip with its reason
            bed      a fresh run on it (tcpassay.Testbed)
Markers     needs("virtual-time", ...)    skips the case on a target without these abilities
            covers("MUST_10", ...)        the case fails if one of these rules was not judged
            deviation("RULE", target="linux", reason="...")
                                          the target is known to break the rule: the case must fail by it (strict xfail)
            bed(ip=6, plant="...", ...)   arguments for tcpassay.open()

After a case that has not failed by itself, the run in `bed` is judged: a MUST that is violated fails the case. The text
of a failure has the ladder, and the path of a capture (pcapng) whose packets have the verdicts as comments.
"""
from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set

import pytest

import tcpassay

_LADDER = pytest.StashKey[str]()


class Deviation(NamedTuple):
    """What one `deviation` marker says of the target at hand."""

    rule: str
    reason: str


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tcpassay")
    group.addoption("--tcpassay-target", action="append", default=[], metavar="NAME[,NAME...]",
                    help="run cases on these targets only: names of `tcpassay targets`, plugin:FILE.so ...")
    group.addoption("--tcpassay-listed", action="store_true",
                    help="what corpus/deviations lists of a target fails no case")
    group.addoption("--tcpassay-captures", metavar="DIR",
                    help="write a capture (pcapng) of every case to this folder; without it, only of cases that fail")


def pytest_configure(config: pytest.Config) -> None:
    for line in ("needs(ability, ...): skip on a target that lacks one of these abilities",
                 "covers(rule, ...): fail if one of these rules was not judged",
                 "deviation(rule, target=None, reason=''): the target is known to break this rule (strict xfail)",
                 "bed(**arguments): arguments for tcpassay.open(), such as ip=6"):
        config.addinivalue_line("markers", line)
    _targets(config)


def _targets(config: pytest.Config) -> List[tcpassay.TargetInfo]:
    given = [name for several in config.getoption("--tcpassay-target") for name in several.split(",") if name]
    table = tcpassay.targets()
    if not given:
        return table
    known = {row.name: row for row in table}
    for name in given:
        if name not in known and ":" not in name:  # an adapter that stands in a known folder, or a mistake
            try:
                tcpassay.open(name).close()
            except tcpassay.TargetError as error:
                raise pytest.UsageError(f"--tcpassay-target: {error}") from None
    return [known.get(name, tcpassay.TargetInfo(name, True, "")) for name in given]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" in metafunc.fixturenames and _is_ours(metafunc):
        table = _targets(metafunc.config)
        metafunc.parametrize("target", table, ids=[row.name for row in table], indirect=True, scope="session")


def _is_ours(metafunc: pytest.Metafunc) -> bool:
    """Whether `target` is the fixture of this file, not a parameter or a fixture of the case's author."""
    given = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize") if mark.args]
    if any("target" in (names.replace(" ", "").split(",") if isinstance(names, str) else names) for names in given):
        return False
    definitions = getattr(metafunc, "_arg2fixturedefs", {}).get("target")
    return not definitions or definitions[-1].func.__module__ == __name__


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> tcpassay.TargetInfo:
    """The target at hand."""
    row: tcpassay.TargetInfo = request.param
    if not row.available:
        pytest.skip(f"{row.name}: {row.why}")
    return row


@pytest.fixture
def bed(request: pytest.FixtureRequest, target: tcpassay.TargetInfo) -> Iterator[tcpassay.Testbed]:
    """A fresh run on the target at hand."""
    arguments: Dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers("bed"))):
        arguments.update(mark.kwargs)
    testbed = tcpassay.open(target.name, **arguments)
    try:
        for mark in request.node.iter_markers("needs"):
            for ability in mark.args:
                if not testbed.can(ability):
                    pytest.skip(f"{target.name} lacks {ability}")
        yield testbed
    finally:
        testbed.close()


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    known = {rule.id for rule in tcpassay.rules()}
    for item in items:
        for mark in item.iter_markers():
            if mark.name == "needs":
                _check_names(item, "ability", mark.args, set(tcpassay.ABILITIES))
            elif mark.name in ("covers", "deviation"):
                _check_names(item, "rule", mark.args, known)


def _check_names(item: pytest.Item, what: str, names: Any, known: Set[str]) -> None:
    for name in names:
        if name not in known:
            raise pytest.UsageError(f"{item.nodeid}: there is no {what} {name!r} (`tcpassay explain` and "
                                    "tcpassay.ABILITIES know them)")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    testbed = getattr(item, "funcargs", {}).get("bed")
    if isinstance(item, pytest.Function) and isinstance(testbed, tcpassay.Testbed):
        item.obj = _judged(item, item.obj, testbed)


def _judged(item: pytest.Function, case: Callable[..., object], testbed: tcpassay.Testbed) -> Callable[..., object]:
    """The case, and the judgement behind it."""

    @functools.wraps(case)
    def run(*positional: Any, **named: Any) -> None:
        failure: Optional[Exception] = None
        try:
            case(*positional, **named)
        except Exception as error:  # a skip or an xfail is none
            failure = error
        if testbed.closed:
            if failure:
                raise failure
            return
        try:
            verdicts = testbed.judge()
        except tcpassay.TargetError:
            if failure:
                raise failure from None
            raise
        item.stash[_LADDER] = testbed.ladder()
        try:
            _conclude(item, testbed, verdicts, failure)
        except Exception:
            _attach(item, testbed)
            raise
        except BaseException:  # pytest.fail, pytest.xfail
            _attach(item, testbed)
            raise
        if item.config.getoption("--tcpassay-captures"):
            _attach(item, testbed)

    return run


def _conclude(item: pytest.Function, testbed: tcpassay.Testbed, verdicts: List[tcpassay.Verdict],
              failure: Optional[Exception]) -> None:
    known = _deviations(item, testbed)
    broken = {verdict.rule for verdict in verdicts if verdict.kind in ("violated", "departed")}
    listed = {deviation.rule for deviation in known}
    if failure and not broken & listed:
        raise failure
    accepted = testbed.listed() if item.config.getoption("--tcpassay-listed") else {}
    unlisted = [verdict for verdict in verdicts
                if verdict.kind == "violated" and verdict.rule not in listed and verdict.rule not in accepted]
    if unlisted:
        pytest.fail("\n".join(str(verdict) for verdict in unlisted), pytrace=False)
    gone = sorted(listed - broken)
    if gone:
        pytest.fail(f"{testbed.name} no longer deviates from {', '.join(gone)}: remove the marker", pytrace=False)
    if known:
        pytest.xfail("; ".join(f"{one.rule}: {one.reason}" if one.reason else one.rule for one in known))
    judged = testbed.judged()
    missed = [rule for mark in item.iter_markers("covers") for rule in mark.args if not judged.get(rule)]
    if missed:
        pytest.fail(f"the case says that it covers {', '.join(missed)}, and the judge had no occasion to judge that",
                    pytrace=False)


def _deviations(item: pytest.Function, testbed: tcpassay.Testbed) -> List[Deviation]:
    found = []
    for mark in item.iter_markers("deviation"):
        wanted = mark.kwargs.get("target")
        targets = [wanted] if isinstance(wanted, str) else wanted
        if targets is None or testbed.name in targets:
            found += [Deviation(rule, mark.kwargs.get("reason", "")) for rule in mark.args]
    return found


def _attach(item: pytest.Function, testbed: tcpassay.Testbed) -> None:
    """Writes the capture, and names it in the report (the properties of a case in JUnit)."""
    folder = item.config.getoption("--tcpassay-captures") or item.config.rootpath / ".tcpassay"
    name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-") + ".pcapng"
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        testbed.write_capture(Path(folder) / name)
    except (OSError, RuntimeError):  # a folder that cannot be written to changes nothing about the case
        return
    item.user_properties.append(("tcpassay_capture", str(Path(folder) / name)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    ladder = item.stash.get(_LADDER, "")
    if report.when != "call" or not report.failed or not ladder:
        return
    captures = [str(path) for name, path in item.user_properties if name == "tcpassay_capture"]
    text = ladder.rstrip("\n") + "".join(f"\ncapture: {path}" for path in captures)
    representation: Any = report.longrepr
    if hasattr(representation, "addsection"):
        representation.addsection("tcpassay", text)
    else:
        report.longrepr = f"{representation}\n{text}"
