# SPDX-License-Identifier: Apache-2.0
"""Sockets of the target's user."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .testbed import Testbed

_HOW = {"read": 0, "write": 1, "both": 2}
_LENGTH_MAX = 1 << 20


def _length(call: str, length: object) -> int:
    if call == "write" and isinstance(length, (bytes, bytearray, memoryview, str)):
        raise TypeError(f"{call}() takes how many octets to send, not the octets: the text of the target's user is coded "
                        "by its place, so that the judge can check each octet; inject(payload=...) sends octets of your own")
    if isinstance(length, bool) or not isinstance(length, int):
        raise TypeError(f"{call}() takes a number of octets, not {length!r}")
    if not 0 <= length <= _LENGTH_MAX:
        raise ValueError(f"{call}({length}): the number of octets is from 0 to {_LENGTH_MAX}")
    return length


class Socket:
    """A socket of the target's user. Its calls do not block: one that would raises BlockingIOError, and one that the
    connection's fate decides raises ConnectionResetError and the like."""

    def __init__(self, testbed: Testbed, handle: int):
        self._testbed = testbed
        self.handle = handle

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.handle} of {self._testbed!r}>"

    def write(self, length: int) -> int:
        """SEND: offers so many octets and returns how many were taken."""
        return int(self._testbed._call("write", self.handle, length=_length("write", length))[0])

    def read(self, length: int = 65536) -> bytes:
        """RECEIVE: the octets that are there, at most so many; b"" at the end of the peer's stream."""
        return bytes(self._testbed._call("read", self.handle, length=_length("read", length))[3])

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
        """Sets one of tcpassay.SOCKET_OPTIONS: "no_delay", "receive_buffer", "linger" (seconds, -1 for off) ..."""
        self._testbed._call("set_option", self.handle, option=option, value=value)

    def get_option(self, option: str) -> int:
        """Reads one of tcpassay.SOCKET_OPTIONS."""
        return int(self._testbed._call("get_option", self.handle, option=option)[2])

    def poll(self) -> int:
        """What is ready: 1 in, 4 out, 8 error, 16 hang-up, added."""
        return int(self._testbed._call("poll", self.handle)[0])


class Listener(Socket):
    """A socket on which a passive OPEN was made."""

    def accept(self) -> Socket:
        """Takes the next connection; BlockingIOError when there is none."""
        return Socket(self._testbed, int(self._testbed._call("accept", self.handle)[0]))
