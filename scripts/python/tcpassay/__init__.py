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
check every octet; therefore you choose only their lengths.

Nothing here blocks for long: calls on sockets return at once, and only advance() and expect(within=...) let time pass.
"""
from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Optional, Union

from . import _tcpassay
from ._tcpassay import ScriptError, TargetError

__all__ = [
    "Listener", "Mismatch", "Result", "Rule", "ScriptError", "Segment", "Socket", "TargetError", "TargetInfo",
    "Testbed", "Verdict", "open", "rules", "run_script", "targets",
]

ScriptError.__doc__ = "A script or a segment that cannot be read: `file:line:column: expected X, found 'Y'`."
TargetError.__doc__ = "The target cannot be made or has died: one line that says what to do."


class TargetInfo(NamedTuple):
    """One row of targets()."""

    name: str
    available: bool
    why: str  # what is missing and how to get it; empty when available


class Rule(NamedTuple):
    """One rule of the catalogue."""

    id: str
    level: str  # MUST, SHOULD, MAY
    rfc: int
    section: str
    requirement: str
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """A rule was broken, or a limit of the judge was reached."""

    rule: str
    level: str
    rfc: int
    section: str
    sentence: str
    kind: str  # violated (a MUST), departed (a SHOULD), inconclusive
    state: str  # where the target may have been
    allowed: str
    seen: str
    at: float  # seconds since the start
    event: int
    consequence: bool  # follows from an earlier verdict

    def __str__(self) -> str:
        return (f"{self.level} {self.kind}: {self.rule} (RFC {self.rfc} section {self.section}) in {self.state}: "
                f"allowed {self.allowed}, seen {self.seen}")


class Mismatch(NamedTuple):
    """An assertion of a script that failed. It is no verdict: no rule of the RFC is involved."""

    where: str
    expected: str
    seen: str


@dataclass(frozen=True)
class Segment:
    """One segment that the target sent. `scapy.all.IP(segment.raw)` reads it."""

    at: float  # seconds since the start
    raw: bytes = field(repr=False)  # the IP packet
    flags: str = ""  # as packetdrill writes them: "S.", "P.", "R"
    seq: int = 0  # from the target's SYN
    ack: Optional[int] = None
    win: int = 0
    payload: bytes = b""
    mss: Optional[int] = None
    urg: Optional[int] = None
    options: bytes = b""
    seq_wire: int = 0
    ack_wire: int = 0
    local_port: int = 0  # the target's
    remote_port: int = 0
    fault: str = ""  # what is wrong with the packet; "" if nothing

    def __len__(self) -> int:
        return len(self.payload)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        text = f"{self.flags} {self.seq}:{self.seq + len(self)}({len(self)})"
        return text + (f" ack {self.ack}" if self.ack is not None else "") + f" win {self.win}"


@dataclass(frozen=True)
class Result:
    """The result of playing a whole script."""

    verdicts: List[Verdict]
    mismatches: List[Mismatch]
    ladder: str = field(repr=False)
    skipped: Optional[str] = None  # why the target cannot play the script; then the rest is empty

    def conforms(self) -> bool:
        """No MUST was violated and no assertion of the script failed. False for a script that was skipped."""
        violated = any(v.kind == "violated" for v in self.verdicts)
        return self.skipped is None and not violated and not self.mismatches


def targets() -> List[TargetInfo]:
    """Every target there is, and what is missing where one cannot be used on this machine."""
    return [TargetInfo(name, why is None, why or "") for name, why in _tcpassay.targets()]


def rules() -> List[Rule]:
    """The rule catalogue."""
    return [Rule(**rule) for rule in _tcpassay.rules()]


def open(target: str = "own", seed: int = 1, plant: Optional[str] = None,  # noqa: A001
         final_wait: float = _tcpassay.FINAL_WAIT, ip: int = 4) -> Testbed:
    """Makes a target and starts a run on it. Raises TargetError.

    `plant` names a defect of the own stack. `final_wait` is how many seconds pass before the final judgement, so that a
    delayed ACK becomes due; on a real-time target they are waited for. `ip` is the IP version, 4 or 6.
    """
    return Testbed(target, seed, plant, final_wait, ip)


def run_script(script: Union[str, "os.PathLike[str]"], target: str = "own", plant: Optional[str] = None,
               ip: int = 4) -> Result:
    """Plays a script in the packetdrill language. `script` is its text (several lines), or the path of a file."""
    text = os.fspath(script)
    scenario = _tcpassay.Scenario.parse(text, "script") if "\n" in text else _tcpassay.Scenario.read(text)
    run = _tcpassay.Run(target, plant, True, _tcpassay.FINAL_WAIT, ip)
    if why := run.unsupported(scenario):
        return Result([], [], "", why)
    run.play(scenario)
    verdicts = [Verdict(**verdict) for verdict in run.verdicts()]
    return Result(verdicts, [Mismatch(*mismatch) for mismatch in run.mismatches()], run.ladder())


class Testbed:
    """A target, its user and its peer. Made by open(); a context manager."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    def __init__(self, target: str, seed: int = 1, plant: Optional[str] = None,
                 final_wait: float = _tcpassay.FINAL_WAIT, ip: int = 4):
        self._run: Any = _tcpassay.Run(target, plant, False, final_wait, ip)
        self._run.start("python", seed)
        self._segments: List[Segment] = []
        self._over = False

    def __enter__(self) -> Testbed:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the target. Afterwards verdicts are no longer available."""
        self._run = None

    @property
    def name(self) -> str:
        """The target's name."""
        return self._live().identity()["name"]

    @property
    def identity(self) -> Dict[str, Any]:
        """The target's name, version, abilities and addresses."""
        return self._live().identity()

    def can(self, ability: str) -> bool:
        """Whether the target has an ability, such as "virtual-time"."""
        return ability in self._live().identity()["abilities"]

    # The target's user.

    def configure(self, name: str, value: int) -> None:
        """Configures the target, before anything else: configure("ecn", 1). Lasts until the next reset.

        harness/target/settings.def has the names; a target that has no such setting raises TargetError.
        """
        self._run.configure(name, value)

    def listen(self, port: int = 8080, backlog: int = 1, receive_buffer: Optional[int] = None) -> Listener:
        """A passive OPEN."""
        socket = self._socket()
        socket.set_option("reuse_address", 1)
        if receive_buffer is not None:
            socket.set_option("receive_buffer", receive_buffer)
        self._call("bind", socket.handle, port=port)
        self._call("listen", socket.handle, length=backlog)
        return Listener(self, socket.handle)

    def connect(self, port: int = 8080, receive_buffer: Optional[int] = None) -> Socket:
        """An active OPEN to a port of the peer; it is still opening when this returns."""
        socket = self._socket()
        if receive_buffer is not None:
            socket.set_option("receive_buffer", receive_buffer)
        try:
            self._call("connect", socket.handle, port=port)
        except BlockingIOError:  # EINPROGRESS
            pass
        return socket

    # The peer.

    def inject(self, flags: str = ".", seq: Optional[int] = None, ack: Optional[int] = None, win: int = 65535,
               length: int = 0, options: str = "", mss: Optional[int] = None, urg: Optional[int] = None,
               damage: str = "", local_port: Optional[int] = None, remote_port: Optional[int] = None) -> None:
        """Puts one segment on the wire.

        flags are packetdrill's ("S", "S.", ".", "P.", "F.", "R", "-" for none). seq defaults to the next number in
        order (0 for a SYN), ack to everything seen when flags have ".". options are packetdrill's ("mss 1460,nop,wscale
        7"). damage is what is made wrong on purpose: "checksum", "offset=3", "truncate=12", "reserved=8" or
        "options=0204ffff", several of them separated by blanks. Ports are needed only for a second conversation.
        """
        peer = self._live().peer(local_port, remote_port)
        if seq is None:
            seq = 0 if "S" in flags else peer["snd_nxt"]
        if ack is None and "." in flags:
            ack = ((peer["rcv_nxt"] or 0) - (peer["irs"] or 0)) % 2**32
        if mss is not None:
            options = f"mss {mss}" + (f",{options}" if options else "")
        ports = ""
        if local_port is not None or remote_port is not None:
            ports = f"{peer['remote_port']} > {peer['local_port']} "
        line = f"{ports}{flags} {seq % 2**32}:{(seq + length) % 2**32}({length})"
        line += f" ack {ack % 2**32}" if ack is not None else ""
        line += f" win {win}"
        line += f" urg {urg}" if urg is not None else ""
        line += f" <{options}>" if options else ""
        line += f" //! damage: {damage}" if damage else ""
        self._running().inject_line(line)

    def inject_bytes(self, packet: bytes) -> None:
        """Puts an IP packet on the wire as it is. A packet made with Scapy goes in as bytes(packet)."""
        self._running().inject_bytes(bytes(packet))

    def segments(self) -> List[Segment]:
        """The segments of the target that neither segments() nor expect() has returned yet."""
        self._take()
        taken, self._segments = self._segments, []
        return taken

    def expect(self, flags: Optional[str] = None, seq: Optional[int] = None, ack: Optional[int] = None,
               length: Optional[int] = None, within: float = 0.0, win: Optional[int] = None,
               mss: Optional[int] = None) -> Segment:
        """The next segment of the target, which must agree with all that is given; otherwise AssertionError.

        Time passes, at most `within` seconds, until there is one.
        """
        self._take()
        if not self._segments and within > 0:
            self._running().wait(within)
            self._take()
        given = {"flags": flags, "seq": seq, "ack": ack, "length": length, "win": win, "mss": mss}
        wanted = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None) or "a segment"
        if not self._segments:
            raise AssertionError(f"expected {wanted}, seen nothing within {within} s")
        seen = self._segments.pop(0)
        agrees = all(value is None or value == (len(seen) if name == "length" else getattr(seen, name))
                     for name, value in given.items())
        if not agrees:
            raise AssertionError(f"expected {wanted}, seen {seen}")
        return seen

    def expect_nothing(self, within: float = 0.0) -> None:
        """Raises AssertionError when the target sends anything within so many seconds."""
        if within > 0:
            self.advance(within)
        if seen := self.segments():
            raise AssertionError(f"expected nothing, seen {'; '.join(map(str, seen))}")

    # Time and judgement.

    def advance(self, seconds: float) -> None:
        """Lets time pass: at once where the target's time is virtual, by waiting where it is real."""
        self._running().advance(seconds)

    def now(self) -> float:
        """Seconds since the start of the run, by the target's clock."""
        return self._live().now()

    def state(self) -> str:
        """The state in which the conversation may be, by all that was seen; several are joined by "|"."""
        return self._live().states()

    def reported_state(self) -> Optional[str]:
        """The state that the target itself reports. None when it cannot tell or knows nothing of the conversation."""
        return self._live().reported_state()

    def verdicts(self) -> List[Verdict]:
        """The verdicts so far."""
        return [Verdict(**verdict) for verdict in self._live().verdicts()]

    def judge(self) -> List[Verdict]:
        """Ends the run with the final judgement and returns the verdicts. Afterwards nothing can be sent or called."""
        if not self._over:
            self._live().finish()
            self._over = True
        return self.verdicts()

    def conforms(self) -> bool:
        """Ends the run; True when no MUST was violated."""
        return not any(verdict.kind == "violated" for verdict in self.judge())

    def judged(self) -> Dict[str, int]:
        """How often each rule was judged in this run."""
        return self._live().judged()

    def ladder(self) -> str:
        """The conversation as a ladder diagram."""
        return self._live().ladder()

    def _live(self) -> Any:
        if self._run is None:
            raise RuntimeError("this testbed is closed")
        return self._run

    def _running(self) -> Any:
        if self._over:
            raise RuntimeError("this run has been judged and is over")
        return self._live()

    def _take(self) -> None:
        self._segments += [Segment(**segment) for segment in self._live().take_segments()]

    def _socket(self) -> Socket:
        return Socket(self, self._call("socket", -1)[0])

    def _call(self, kind: str, handle: int, port: int = 0, length: int = 0, how: int = 0, option: str = "",
              value: int = 0) -> tuple:
        made = self._running().call(kind, handle, port, length, how, option, value)
        if error := made[1]:
            number = getattr(errno, error, errno.EIO)
            raise OSError(number, f"{kind}: {os.strerror(number)}")  # BlockingIOError, ConnectionResetError, ...
        return made


_HOW = {"read": 0, "write": 1, "both": 2}


class Socket:
    """A socket of the target's user. Its calls do not block: one that would raises BlockingIOError, and one that the
    connection's fate decides raises ConnectionResetError and the like."""

    def __init__(self, testbed: Testbed, handle: int):
        self._testbed = testbed
        self.handle = handle

    def write(self, length: int) -> int:
        """SEND: offers so many octets and returns how many were taken."""
        return self._testbed._call("write", self.handle, length=length)[0]

    def read(self, length: int = 65536) -> bytes:
        """RECEIVE: the octets that are there, at most so many; b"" at the end of the peer's stream."""
        return self._testbed._call("read", self.handle, length=length)[3]

    def shutdown(self, how: str = "write") -> None:
        """Ends "write" (CLOSE in the RFC's sense), "read" or "both"."""
        if how not in _HOW:
            raise ValueError(f"shutdown {how!r}: it must be one of {', '.join(_HOW)}")
        self._testbed._call("shutdown", self.handle, how=_HOW[how])

    def close(self) -> None:
        """CLOSE; the user neither sends nor receives any more."""
        self._testbed._call("close", self.handle)

    def abort(self) -> None:
        """ABORT: ends the connection with a reset."""
        self.set_option("linger", 0)
        self.close()

    def set_option(self, option: str, value: int) -> None:
        """Sets "no_delay", "receive_buffer", "send_buffer", "linger" (seconds, -1 for off), "user_timeout", ..."""
        self._testbed._call("set_option", self.handle, option=option, value=value)

    def get_option(self, option: str) -> int:
        """Reads an option."""
        return self._testbed._call("get_option", self.handle, option=option)[2]

    def poll(self) -> int:
        """What is ready: 1 in, 4 out, 8 error, 16 hang-up, added."""
        return self._testbed._call("poll", self.handle)[0]


class Listener(Socket):
    """A socket on which a passive OPEN was made."""

    def accept(self) -> Socket:
        """Takes the next connection; BlockingIOError when there is none."""
        return Socket(self._testbed, self._testbed._call("accept", self.handle)[0])
