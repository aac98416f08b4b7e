# SPDX-License-Identifier: Apache-2.0
"""Every case runs on every target of this machine; a target that is not available is a skip with its reason."""
import pytest

tcpassay = pytest.importorskip("tcpassay", reason="the Python package is not on PYTHONPATH (build/release/python)")

TARGETS = tcpassay.targets()


@pytest.fixture(params=TARGETS, ids=[target.name for target in TARGETS])
def bed(request):
    """A fresh run on one target."""
    if not request.param.available:
        pytest.skip(f"{request.param.name}: {request.param.why}")
    wait = 0.6 if request.param.name == "own" else 0.05  # in real time only what is awaited by the case is waited for
    with tcpassay.open(request.param.name, final_wait=wait) as testbed:
        yield testbed


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
        socket = t.connect()
        t.expect("S", seq=0, ack=None, length=0)
        t.inject("S.", seq=0, mss=1460)
        t.expect(".", seq=1, ack=1, length=0)
        return socket


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
