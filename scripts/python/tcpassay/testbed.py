# SPDX-License-Identifier: Apache-2.0
"""A target with its user and its peer, driven step by step."""
from __future__ import annotations

import errno
import os
from typing import Any, Container, Dict, List, Optional, Tuple, Union

from . import _scapy
from ._core import core
from ._corpus import corpus
from ._html import ladder_html
from .sockets import Listener, Socket
from .values import Segment, Verdict


class Testbed:
    """A target, its user and its peer. Made by open(); a context manager."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    def __init__(self, target: str, seed: int = 1, plant: Optional[str] = None,
                 final_wait: float = core.FINAL_WAIT, ip: int = 4):
        if not isinstance(target, str):
            raise TypeError(f"a target is named by a text such as 'own', not {target!r}")
        self._name = target
        self._ip = ip
        self._run: Optional[core.Run] = core.Run(target, plant, False, final_wait, ip)
        self._run.start("python", seed)
        self._segments: List[Segment] = []
        self._begun = False
        self._over = False

    def __repr__(self) -> str:
        if self._run is None:
            return f"<Testbed {self._name}, closed>"
        state = self._run.states() or "CLOSED"
        return f"<Testbed {self._name}, IPv{self._ip}, {state}, {self._run.now():.3f} s>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the ladder so far."""
        return ladder_html(self.ladder(), [str(verdict) for verdict in self.verdicts()])

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
        return str(self._live().identity()["name"])

    @property
    def identity(self) -> Dict[str, Any]:
        """"name", "version", "abilities", "ip", "address" (the target's) and "peer_address"."""
        return self._live().identity()

    def can(self, ability: str) -> bool:
        """Whether the target has one of tcpassay.ABILITIES, such as "virtual-time"."""
        if ability not in core.ABILITIES:
            raise ValueError(f"there is no ability {ability!r}; there are {', '.join(core.ABILITIES)}")
        return ability in self._live().identity()["abilities"]

    # The target's user.

    def configure(self, name: str, value: int) -> None:
        """Configures the target, before anything else: configure("ecn", 1). Lasts until the next reset.

        tcpassay.settings() has the names; a target that has no such setting raises TargetError.
        """
        run = self._running()
        if self._begun:
            raise RuntimeError("configure() comes first: something was already called, injected or waited for")
        run.configure(name, value)

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

    def open_passively(self, mss: Optional[int] = 1460) -> Tuple[Listener, Socket]:
        """A connection that the peer has opened, in ESTABLISHED: the listener and the socket."""
        listener = self.listen()
        self.inject("S", seq=0, mss=mss)
        self.expect("S.", seq=0, ack=1, length=0)
        self.inject(".")
        return listener, listener.accept()

    def open_actively(self, mss: Optional[int] = 1460) -> Socket:
        """A connection that the target has opened, in ESTABLISHED."""
        socket = self.connect()
        self.expect("S", seq=0, length=0)
        self.inject("S.", seq=0, mss=mss)
        self.expect(".", seq=1, ack=1, length=0)
        return socket

    # The peer.

    def inject(self, flags: str = ".", seq: Optional[int] = None, ack: Optional[int] = None, win: int = 65535,
               length: int = 0, options: str = "", mss: Optional[int] = None, urg: Optional[int] = None,
               damage: str = "", local_port: Optional[int] = None, remote_port: Optional[int] = None,
               payload: Optional[bytes] = None) -> None:
        """Puts one segment on the wire.

        flags are packetdrill's ("S", "S.", ".", "P.", "F.", "R", "-" for none). seq defaults to the next number in
        order (0 for a SYN), ack to everything seen when flags have ".". options are packetdrill's ("mss 1460,nop,wscale
        7"). damage is what is made wrong on purpose: "checksum", "offset=3", "truncate=12", "reserved=8" or
        "options=0204ffff", several of them separated by blanks. Ports are needed only for a second conversation.
        payload is text of your own in place of `length` octets that are coded by their place; of such text the judge
        checks how much arrives, not which octets.
        """
        if payload is not None:
            if not isinstance(payload, (bytes, bytearray)):
                raise TypeError(f"payload takes octets such as b'text', not {payload!r}")
            if length not in (0, len(payload)):
                raise ValueError(f"length is {length}, and the payload has {len(payload)} octets: give one of them")
            length = len(payload)
        if length < 0:
            raise ValueError(f"length is {length}: a segment has 0 octets of text or more")
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
        self._go().inject_line(line, payload or b"")

    def inject_bytes(self, packet: bytes) -> None:
        """Puts an IP packet on the wire as it is."""
        if _scapy.is_packet(packet):
            return self.inject_packet(packet)
        self._go().inject_bytes(bytes(packet))
        return None

    def inject_packet(self, packet: Any) -> None:
        """Puts a packet of Scapy on the wire: IP()/TCP(...), or TCP(...) alone.

        Addresses and ports that the packet leaves open are filled in; every other field goes out as it is.
        """
        run = self._go()
        run.inject_bytes(_scapy.octets_of(packet, run.identity(), run.peer(None, None)))

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
            self._go().wait(within)  # Ctrl-C ends it
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
        self._go().advance(seconds)

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

    def listed(self, folder: Union[str, "os.PathLike[str]", None] = None) -> Dict[str, str]:
        """The known deviations of this target in its version: rule -> reason, from FOLDER/NAME.txt.

        The folder is corpus/deviations unless one is given.
        """
        if folder is not None and not os.path.isdir(folder):
            raise NotADirectoryError(f"{os.fspath(folder)}: no such folder")
        version = str(self.identity["version"])
        rows = core.deviations(os.fspath(folder or corpus() / "deviations"), self._name)
        return {rule: reason for rule, reason, of, ip in rows if version.startswith(of) and ip in (0, self._ip)}

    def conforms(self, listed: Container[str] = ()) -> bool:
        """Ends the run; True when no MUST was violated, those in `listed` aside: conforms(bed.listed())."""
        return not any(verdict.kind == "violated" and verdict.rule not in listed for verdict in self.judge())

    def judged(self) -> Dict[str, int]:
        """How often each rule was judged in this run."""
        return self._live().judged()

    def ladder(self) -> str:
        """The conversation as a ladder diagram."""
        return self._live().ladder()

    def write_capture(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes what went over the wire as pcapng, with the verdicts as comments of the packets."""
        self._live().write_capture(os.fspath(path))

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._run is None

    def _live(self) -> core.Run:
        if self._run is None:
            raise RuntimeError("this testbed is closed")
        return self._run

    def _running(self) -> core.Run:
        if self._over:
            raise RuntimeError("this run has been judged and is over")
        return self._live()

    def _go(self) -> core.Run:
        run = self._running()
        self._begun = True
        return run

    def _take(self) -> None:
        self._segments += [Segment(**segment) for segment in self._live().take_segments()]

    def _socket(self) -> Socket:
        return Socket(self, self._call("socket", -1)[0])

    def _call(self, kind: str, handle: int, port: int = 0, length: int = 0, how: int = 0, option: str = "",
              value: int = 0) -> Tuple[int, str, int, bytes, int, int]:
        made = self._go().call(kind, handle, port, length, how, option, value)
        if error := made[1]:
            number = getattr(errno, error, errno.EIO)
            raise OSError(number, f"{kind}: {os.strerror(number)}")  # BlockingIOError, ConnectionResetError, ...
        return made
