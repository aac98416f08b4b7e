# SPDX-License-Identifier: Apache-2.0
"""Drive a TCP implementation step by step, and have every step judged against RFC 9293.

    import tcpassay

    with tcpassay.open("own") as t:
        listener = t.listen()
        t.inject("S", mss=1460)
        t.expect("S.", seq=0, ack=1)
        t.inject(".")
        connection = listener.accept()
        t.inject("P.", length=100)
        assert len(connection.read(1000)) == 100
        assert t.conforms(), t.verdicts()

Numbers are those of a packetdrill script: SEQ of an injected segment goes on the wire unchanged, SEQ of a segment of the
target counts from the target's SYN, and ACK refers to the numbers of the other side. Defaults are those of a
well-behaved peer: the next octet in order, an ACK of everything seen. Texts are position-coded so that the judge can
check every octet; therefore you choose only their lengths. inject(payload=...) sends octets of your own.

Nothing here blocks for long: calls on sockets return at once, and only advance() and expect(within=...) let time pass.
"""
from __future__ import annotations

import os
from typing import Dict, List, Optional, Union

from ._core import core
from ._corpus import corpus
from .sockets import Listener, Socket
from .testbed import Testbed
from .values import Mismatch, Result, Rule, Segment, Setting, TargetInfo, Verdict

ScriptError = core.ScriptError
TargetError = core.TargetError

__all__ = [
    "ABILITIES", "Listener", "Mismatch", "Result", "Rule", "SOCKET_OPTIONS", "ScriptError", "Segment", "Setting", "Socket",
    "TargetError", "TargetInfo", "Testbed", "Verdict", "__version__", "corpus", "open", "rules", "run_script", "settings",
    "targets",
]
__version__: str = core.VERSION

ABILITIES: List[str] = core.ABILITIES  # what a target may be able to do: can(), and the marker `needs` of pytest
SOCKET_OPTIONS: List[str] = core.SOCKET_OPTIONS  # of Socket.set_option() and get_option()

ScriptError.__doc__ = "A script or a segment that cannot be read: `file:line:column: expected X, found 'Y'`."
TargetError.__doc__ = "The target cannot be made or has died: one line that says what to do."


def __dir__() -> List[str]:
    return [*__all__, "__doc__", "__file__", "__name__"]


def targets() -> List[TargetInfo]:
    """Every target there is, and what is missing where one cannot be used on this machine."""
    return [TargetInfo(name, why is None, why or "") for name, why in core.targets()]


def rules() -> List[Rule]:
    """The rule catalogue."""
    return [Rule(**rule) for rule in core.rules()]


def settings() -> Dict[str, Setting]:
    """What configure() can set."""
    return {name: Setting(*row) for name, row in core.settings().items()}


def open(target: str = "own", seed: int = 1, plant: Optional[str] = None,  # noqa: A001
         final_wait: float = core.FINAL_WAIT, ip: int = 4) -> Testbed:
    """Makes a target and starts a run on it. Raises TargetError.

    `target` is a name of targets(), or "plugin:FILE.so" for an adapter of your own. `plant` names a defect of the own
    stack. `final_wait` is how many seconds pass before the final judgement, so that a delayed ACK becomes due; on a
    real-time target they are waited for. `ip` is the IP version, 4 or 6.
    """
    return Testbed(target, seed, plant, final_wait, ip)


def _read(script: Union[str, "os.PathLike[str]"]) -> core.Scenario:
    text = os.fspath(script)
    if not text.strip():
        raise ValueError("this script is empty; give its text, or the path of a file")
    is_text = isinstance(script, str) and ("\n" in text or " " in text) and not os.path.exists(text)
    return core.Scenario.parse(text if text.endswith("\n") else text + "\n", "script") if is_text else core.Scenario.read(text)


def run_script(script: Union[str, "os.PathLike[str]"], target: str = "own", plant: Optional[str] = None,
               ip: int = 4) -> Result:
    """Plays a script in the packetdrill language. `script` is its text, or the path of a file."""
    scenario = _read(script)
    run = core.Run(target, plant, True, core.FINAL_WAIT, ip)
    if why := run.unsupported(scenario):
        return Result([], [], "", why)
    run.play(scenario)
    verdicts = [Verdict(**verdict) for verdict in run.verdicts()]
    return Result(verdicts, [Mismatch(*mismatch) for mismatch in run.mismatches()], run.ladder())
