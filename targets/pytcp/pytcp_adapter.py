# SPDX-License-Identifier: Apache-2.0
"""PyTCP behind tcpassay's plugin interface: python_plugin.c calls the methods of Adapter, which are those of
tcpassay_plugin.h. PyTCP is one asyncio program: its event loop, its clock and its random source are in
virtual_time.py, its ticks in pump.py."""

import asyncio
import secrets

import host
from virtual_time import Clock, Loop, replace_clock_and_chance

PEER_MAC, OUR_MAC = b"\2\0\0\0\0\2", b"\2\0\0\0\0\1"
STARTING_S = 60  # what the stack does while it starts is over by then (group memberships), and it is time 0

replace_clock_and_chance()

from pmd_net_addr import Ip4Address, Ip4IfAddr, Ip6Address, Ip6IfAddr, MacAddress  # noqa: E402
from pmd_pytcp import stack  # noqa: E402
from pmd_pytcp.lib import io_backend  # noqa: E402
from pmd_pytcp.lib.interface_layer import InterfaceLayer  # noqa: E402
from pmd_pytcp.protocols.tcp.session import tcp__session, tcp__session__validate  # noqa: E402
from pmd_pytcp.protocols.tcp.tcp__enums import ConnError, FsmState  # noqa: E402
from pmd_pytcp.socket import (  # noqa: E402
    IP_RECVERR,
    IPPROTO_IP,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    IPV6_RECVERR,
    SO_KEEPALIVE,
    SO_REUSEADDR,
    SOL_SOCKET,
    TCP_KEEPCNT,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_MAXSEG,
    TCP_NODELAY,
    TCP_USER_TIMEOUT,
    AddressFamily,
)
from pmd_pytcp.socket.tcp__socket import TcpSocket  # noqa: E402
from pmd_pytcp.stack import lifecycle, sysctl  # noqa: E402
from pump import Pump  # noqa: E402

# Errors, phases and states as tcpassay_plugin.h counts them.
WOULD_BLOCK, NOT_CONNECTED, REFUSED, RESET, ABORTED, TIMED_OUT, PIPE = 1, 5, 6, 7, 8, 9, 10
ADDRESS_IN_USE, INVALID, BAD_HANDLE, UNREACHABLE, NO_PROTOCOL_OPTION = 11, 12, 13, 14, 17
UNCONNECTED, LISTENING, OPENING, CONNECTED, ENDED = range(5)
STATES = {
    name: number
    for number, name in enumerate(
        "CLOSED LISTEN SYN_SENT SYN_RCVD ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT".split()
    )
}
ERRORS = {
    ConnError.REFUSED: REFUSED,
    ConnError.RESET: RESET,
    ConnError.TIMEOUT: TIMED_OUT,
    ConnError.CANCELED: ABORTED,
    ConnError.HOST_UNREACHABLE: UNREACHABLE,
    ConnError.NET_UNREACHABLE: UNREACHABLE,
}
OPTIONS = {  # number: level, name, how many of PyTCP's units
    0: (IPPROTO_TCP, TCP_NODELAY, 1),
    1: (IPPROTO_TCP, TCP_MAXSEG, 1),
    4: (IPPROTO_TCP, TCP_USER_TIMEOUT, 1),
    5: (SOL_SOCKET, SO_KEEPALIVE, 1),
    6: (IPPROTO_TCP, TCP_KEEPIDLE, 1000),
    7: (IPPROTO_TCP, TCP_KEEPINTVL, 1000),
    8: (IPPROTO_TCP, TCP_KEEPCNT, 1),
}
SETTINGS = {
    "keepalive-time": ("tcp.keepalive.idle_time_ms", 1000),
    "keepalive-interval": ("tcp.keepalive.probe_interval_ms", 1000),
    "keepalive-probes": ("tcp.keepalive.probe_max_count", 1),
    "retries2": ("tcp.retransmit.max_count", 1),
    "fin-timeout": ("tcp.fin_wait_2.timeout_ms", 1000),
}
OFFERED = {"timestamps": "ts", "sack": "sack", "window-scaling": "wscale"}
ROOM = 1 << 20  # PyTCP's send buffer has no end


def text_of(address):
    if len(address) == 4:
        return ".".join(map(str, address))
    return ":".join(address[i : i + 2].hex() for i in range(0, 16, 2))


def frame_of(packet):
    """The packet in Ethernet, to the station or group that its destination address means."""
    if packet[:1] and packet[0] >> 4 == 6:
        to = b"\x33\x33" + packet[36:40] if packet[24:25] == b"\xff" else OUR_MAC
        return to + PEER_MAC + b"\x86\xdd" + packet
    to = OUR_MAC
    if packet[19:20] == b"\xff":
        to = b"\xff" * 6
    elif len(packet) >= 20 and 224 <= packet[16] < 240:
        to = bytes([1, 0, 0x5E, packet[17] & 0x7F, packet[18], packet[19]])
    return to + PEER_MAC + b"\x08\0" + packet


def send_frame(_fd, buffers):
    frame = b"".join(map(bytes, buffers))
    if frame[12:14] in (b"\x08\0", b"\x86\xdd"):
        host.emit(frame[14:])


class Endpoint:
    def __init__(self, sock):
        self.sock, self.phase, self.connecting, self.local, self.remote = sock, UNCONNECTED, None, 0, 0
        sock.setblocking(False)
        sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        sock.setsockopt(IPPROTO_IP, IP_RECVERR, 1)  # ICMP errors wait in a queue of the socket
        sock.setsockopt(IPPROTO_IPV6, IPV6_RECVERR, 1)

    def soft_error(self):
        if not self.sock._error_queue:
            return 0
        self.sock._error_queue.clear()
        return UNREACHABLE


class Adapter:
    def __init__(self, local, local_v6, peer, peer_v6, mtu, extra):
        self.loop = Loop()
        # PyTCP's own default, a cookie asked for on every SYN (R7413_2_default), would end each road that begins with one
        self.offered = {} if extra == "fast-open" else {"fastopen": False}
        advertise = tcp__session.AdvertiseState
        tcp__session.AdvertiseState = lambda: advertise(**self.offered)
        self.local = {4: text_of(local), 6: text_of(local_v6)}
        self.family, self.endpoints, self.shift, self.wanted_iss = 4, {}, None, None
        io_backend.set_nonblocking, io_backend.writev = lambda fd: None, send_frame
        self.real_iss = tcp__session.compute_iss
        tcp__session.compute_iss = tcp__session__validate.compute_iss = self.iss
        Pump(self.loop)
        stack.IP4_GATEWAY, stack.IP6_GATEWAY = Ip4Address(text_of(peer)), Ip6Address(text_of(peer_v6))
        self.inside(
            stack.init,
            fd=0,
            layer=InterfaceLayer.L2,  # over TUN a segment over IPv6 ends in an AttributeError
            mtu=mtu,
            mac_address=MacAddress(OUR_MAC),
            ip4_host=Ip4IfAddr(self.local[4] + "/24"),
            ip4_dhcp=False,
            ip6_host=Ip6IfAddr(self.local[6] + "/64"),
            ip6_gua_autoconfig=False,
        )
        self.run(lifecycle.start())
        (self.interface,) = stack.interfaces.values()
        for neighbours in (self.interface._arp_cache, self.interface._nd_cache):
            neighbours.stop()  # there is one neighbour, and it is known
            neighbours.find_entry = lambda **_: MacAddress(PEER_MAC)
        self.loop.advance(STARTING_S * 10**9)
        self.interface._dhcp6_client.stop()  # ten times in a second it looks for something to do; so does
        for task in self.interface._tasks:
            task.cancel()  # the sweep of fragments and of IPv6 routers
        self.loop.settle()
        self.begin = Clock.now

    def run(self, coroutine):
        task = self.loop.create_task(coroutine)
        self.loop.settle()
        return task

    def reset(self, version):
        self.family = version
        for name in ("TCP__ISS_SECRET", "TCP__PORT_SECRET", "TCP__FASTOPEN_SECRET", "IP6__FLOW_SECRET"):
            if hasattr(stack, name):
                setattr(stack, name, secrets.token_bytes(16))

    def iss(self, *of, **clock):
        number = self.real_iss(*of, **clock)
        if self.wanted_iss is not None and self.shift is None:
            self.shift = self.wanted_iss - number
        return (number + (self.shift or 0)) % 2**32

    def input(self, packet):
        self.loop.call_soon(self.interface._rx_ring._handle_frame, frame_of(packet))
        self.loop.settle()

    def advance(self, now):
        self.loop.advance(self.begin + now)

    def next_deadline(self):
        due = self.loop.next()
        return -1 if due is None else max(0, due - self.begin)

    def keep(self, endpoint):
        number = next(i for i in range(len(self.endpoints) + 1) if i not in self.endpoints)
        self.endpoints[number] = endpoint
        return number

    def open(self):
        return self.keep(Endpoint(TcpSocket(AddressFamily.INET4 if self.family == 4 else AddressFamily.INET6)))

    def listen(self, number, port, backlog):
        e = self.endpoints[number]
        if any(other.phase == LISTENING and other.local == port for other in self.endpoints.values()):
            return -ADDRESS_IN_USE  # SO_REUSEADDR lets PyTCP do it
        try:
            e.sock.bind((self.local[self.family], port))
        except OSError:
            return -ADDRESS_IN_USE
        self.inside(e.sock.listen, backlog=max(1, backlog))
        e.phase, e.local = LISTENING, port
        return 0

    def inside(self, function, *arguments, **named):
        """Calls a function of the stack as a callback of its loop does."""
        asyncio.events._set_running_loop(self.loop)
        try:
            return function(*arguments, **named)
        finally:
            asyncio.events._set_running_loop(None)
            self.loop.settle()

    def connect(self, number, port, remote, remote_port):
        e = self.endpoints[number]
        if port:
            try:
                e.sock.bind((self.local[self.family], port))
            except OSError:
                return -ADDRESS_IN_USE
        e.connecting = self.run(e.sock.connect((text_of(remote), remote_port)))
        session = e.sock._tcp_session
        if session is None:
            return -self.failure(e)
        e.phase, e.local, e.remote = OPENING, session._local_port, session._remote_port
        return 0

    def failure(self, e):
        """Why connect() has failed."""
        error = e.connecting.exception() if e.connecting and e.connecting.done() else None
        if error is None:
            return 0
        if isinstance(error, ConnectionRefusedError):
            return REFUSED
        if isinstance(error, TimeoutError):
            return TIMED_OUT
        return ABORTED if isinstance(error, ConnectionAbortedError) else UNREACHABLE

    def waiting(self, e):
        return [s for s in e.sock._tcp_accept if s._tcp_session.state is not FsmState.CLOSED]

    def accept(self, number):
        e = self.endpoints[number]
        if e.phase != LISTENING:
            return -INVALID
        task = self.run(e.sock.accept())
        if task.exception() is not None:
            return -WOULD_BLOCK if isinstance(task.exception(), BlockingIOError) else -ABORTED
        child = Endpoint(task.result()[0])
        child.phase, child.local, child.remote = CONNECTED, child.sock._local_port, child.sock._remote_port
        return self.keep(child)

    def send(self, number, text):
        e = self.endpoints[number]
        if e.sock._tcp_session is None or e.phase in (UNCONNECTED, LISTENING):
            return -NOT_CONNECTED
        task = self.run(e.sock.send(text))
        error = task.exception()
        if error is None:
            return task.result()
        return -NOT_CONNECTED if self.phase(e) == OPENING else -PIPE

    def receive(self, number, room):
        e = self.endpoints[number]
        if e.sock._tcp_session is None or e.phase in (UNCONNECTED, LISTENING):
            return -NOT_CONNECTED
        if self.phase(e) == OPENING:
            return -WOULD_BLOCK
        task = self.run(e.sock.recv(room))
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, BlockingIOError):
            return -WOULD_BLOCK
        if isinstance(error, ConnectionResetError):
            return -RESET
        return -TIMED_OUT if isinstance(error, TimeoutError) else -ABORTED

    def shutdown(self, number):
        e = self.endpoints[number]
        if e.sock._tcp_session is None:
            return -NOT_CONNECTED
        self.inside(e.sock.shutdown, 1)
        return 0

    def close(self, number):
        self.inside(self.endpoints.pop(number).sock.close)
        return 0

    def abort(self, number):
        e = self.endpoints.pop(number)
        self.inside(e.sock.abort)
        return 0

    def phase(self, e):
        session = e.sock._tcp_session
        if e.phase not in (OPENING, CONNECTED) or session is None:
            return e.phase
        state = session.state
        if state is FsmState.CLOSED:
            e.phase = ENDED
        elif state not in (FsmState.SYN_SENT, FsmState.SYN_RCVD):
            e.phase = CONNECTED
        return e.phase

    def status(self, number, _):
        e = self.endpoints.get(number)
        if e is None:
            return None
        phase = self.phase(e)
        if phase == LISTENING:
            return phase, 0, 0, 0, len(self.waiting(e)), 0, e.local, 0, 0
        session = e.sock._tcp_session
        if session is None:
            return phase, self.failure(e), 0, 0, 0, 0, e.local, e.remote, 0
        error = ERRORS.get(session._connection_error, 0) if phase == ENDED else 0
        state = session.state
        writable = ROOM if state in (FsmState.ESTABLISHED, FsmState.CLOSE_WAIT) else 0
        eof = STATES[state.name] >= STATES["CLOSE_WAIT"] or (phase == ENDED and not error)
        return phase, error, len(session._rx_buffer), writable, 0, int(eof), e.local, e.remote, e.soft_error()

    def set_option(self, number, option, value):
        if option not in OPTIONS:
            return -NO_PROTOCOL_OPTION
        level, name, units = OPTIONS[option]
        try:
            self.inside(self.endpoints[number].sock.setsockopt, level, name, value * units)
        except OSError:
            return -INVALID
        return 0

    def configure(self, name, value):
        if name == "initial-sequence-number":
            self.wanted_iss, self.shift = value, None
        elif name in OFFERED:
            self.offered[OFFERED[name]] = bool(value)
        elif name == "mtu-probing":
            sysctl.set("tcp.mtu_probing.default", value)
        else:
            key, units = SETTINGS[name]
            sysctl.set(key, value * units)

    def state(self, local, remote):
        for sock in stack.sockets.values():
            session = getattr(sock, "_tcp_session", None)
            if session is None or session._local_port != local or session._remote_port != remote:
                continue
            state = STATES[session.state.name]
            if state in (STATES["CLOSED"], STATES["LISTEN"]):
                continue
            known = 31 if state > STATES["SYN_SENT"] else 3
            return (
                state,
                known,
                session._snd_seq.una,
                session._snd_seq.nxt,
                session._rcv_seq.nxt,
                session._win.snd_wnd,
                session._rcv_wnd,
            )
        return None
