# SPDX-License-Identifier: Apache-2.0
"""When PyTCP looks for something to send. To be imported behind replace_clock_and_chance(), as all of PyTCP."""

from pmd_pytcp.protocols.tcp.session.tcp__session import TcpSession
from pmd_pytcp.protocols.tcp.tcp__enums import FsmState
from pmd_pytcp.runtime.tx_ring import TxRing


class Pump:
    """PyTCP sends from a tick that comes each millisecond as long as there may be something to do. Here the tick comes at
    once, and not again when it has twice done nothing: whatever happens later has a timer of its own."""

    def __init__(self, loop):
        self.loop, self.sent, self.before, self.quiet, self.waiting = loop, 0, 0, {}, set()
        run, enqueue = TcpSession.tcp_fsm, TxRing.enqueue

        def tcp_fsm(session, *what, **named):
            self.before = self.sent
            run(session, *what, **named)

        def count(ring, packet):
            self.sent += 1
            enqueue(ring, packet)

        TcpSession.tcp_fsm, TxRing.enqueue = tcp_fsm, count
        TcpSession._pump_tail = lambda session, before, external: self.after(session, before, external)
        TcpSession._kick_pump = lambda session: self.after(session, session.state, True)

    def after(self, session, state_before, external):
        if session.state is FsmState.CLOSED:
            return
        if external or session.state is not state_before or self.sent != self.before:
            self.quiet[session] = 0
        else:
            self.quiet[session] = self.quiet.get(session, 0) + 1
        if self.quiet[session] < 2 and (external or session.state is not state_before or session._has_pump_work()):
            if session not in self.waiting:
                self.waiting.add(session)
                self.loop.call_soon(self.tick, session)

    def tick(self, session):
        self.waiting.discard(session)
        if session.state is not FsmState.CLOSED:
            session.tcp_fsm(timer=True)
