# SPDX-License-Identifier: Apache-2.0
"""What the package hands out: plain values without a target behind them."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Container, NamedTuple, Optional

from ._html import ladder_html

if TYPE_CHECKING:
    from collections.abc import Sequence


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


class Setting(NamedTuple):
    """What configure() can set, where the target has it."""

    least: int
    most: int
    meaning: str


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
    """One segment that the target sent. scapy() gives it as an object of Scapy."""

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

    def scapy(self) -> Any:
        """The packet as an IP or IPv6 object of Scapy. ImportError where Scapy is not installed."""
        from ._scapy import packet_of

        return packet_of(self.raw)


@dataclass(frozen=True)
class Result:
    """The result of playing a whole script."""

    verdicts: Sequence[Verdict]
    mismatches: Sequence[Mismatch]
    ladder: str = field(repr=False)
    skipped: Optional[str] = None  # why the target cannot play the script; then the rest is empty

    def conforms(self, listed: Container[str] = ()) -> bool:
        """No MUST was violated, those in `listed` aside, and no assertion of the script failed. False for a script that
        was skipped."""
        violated = any(v.kind == "violated" and v.rule not in listed for v in self.verdicts)
        return self.skipped is None and not violated and not self.mismatches

    def _repr_html_(self) -> str:
        """What a notebook shows: the ladder."""
        if self.skipped is not None:
            return ladder_html("", [f"skipped: {self.skipped}"])
        failed = [f"assertion failed at {one.where}: expected {one.expected}, seen {one.seen}" for one in self.mismatches]
        return ladder_html(self.ladder, [str(verdict) for verdict in self.verdicts] + failed)
