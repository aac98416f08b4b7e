# SPDX-License-Identifier: Apache-2.0
"""What the cases of this folder share. `target` and `bed` come with the package (tcpassay.pytest_plugin)."""
import pytest

tcpassay = pytest.importorskip("tcpassay", reason="the Python package is not on PYTHONPATH (build/release/python)")

pytest_plugins = ["tcpassay.pytest_plugin"]


def pytest_collection_modifyitems(items):
    for item in items:  # in real time only what a case awaits is waited for
        if "bed" in item.fixturenames and item.callspec.params["target"].name != "own":
            item.add_marker(pytest.mark.bed(final_wait=0.05))


class Drive:
    """The conversations that many cases begin with."""

    @staticmethod
    def passive(t):
        """ESTABLISHED after a passive OPEN: (listener, socket)."""
        listener = t.listen()
        t.inject("S", seq=0, mss=1460)
        answer = t.expect("S.", seq=0, ack=1, length=0)
        assert answer.mss is not None, "a SYN should carry the MSS option"
        t.inject(".")
        return listener, listener.accept()

    @staticmethod
    def active(t):
        """ESTABLISHED after an active OPEN: the socket."""
        return t.open_actively()


@pytest.fixture
def drive():
    return Drive


def assert_conforms(t):
    """Ends the run: no MUST was violated, and something was judged at all."""
    verdicts = t.judge()
    assert not [str(v) for v in verdicts if v.kind == "violated"]
    assert t.judged(), "the judge has judged nothing"


@pytest.fixture
def conforms():
    return assert_conforms
