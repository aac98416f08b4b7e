# SPDX-License-Identifier: Apache-2.0
"""Opening a connection: passively, actively, from both sides at once, and to a closed port (RFC 9293 section 3.5)."""
import pytest


def test_passive(bed, drive, conforms):
    _, socket = drive.passive(bed)
    assert bed.state() == "ESTABLISHED"
    with pytest.raises(BlockingIOError):
        socket.read(1)
    conforms(bed)


def test_active(bed, drive, conforms):
    socket = drive.active(bed)
    assert bed.state() == "ESTABLISHED"
    assert socket.get_option("error") == 0
    conforms(bed)


def test_simultaneous(bed, conforms):
    bed.connect()
    bed.expect("S", seq=0)
    bed.inject("S", seq=0, ack=None, mss=1460, options="nop,wscale 7")
    bed.expect("S.", seq=0, ack=1)
    assert bed.state() == "SYN-RECEIVED"
    bed.inject("S.", seq=0, ack=1, mss=1460, options="nop,wscale 7")
    bed.segments()  # an ACK may come or not
    assert "ESTABLISHED" in bed.state()
    conforms(bed)


def test_closed_port_resets(bed, conforms):
    bed.inject("S", seq=1000)
    reset = bed.expect("R.", ack=1001, length=0)
    assert reset.seq_wire == 0
    conforms(bed)


def test_refused(bed, conforms):
    socket = bed.connect()
    bed.expect("S", seq=0)
    bed.inject("R.", seq=0, ack=1, win=0)
    assert bed.segments() == []
    with pytest.raises(ConnectionRefusedError):
        socket.read(1)
    conforms(bed)


def test_syn_ack_of_something_else_is_reset(bed, conforms):
    bed.connect()
    bed.expect("S", seq=0)
    bed.inject("S.", seq=0, ack=5, mss=1460)
    bed.expect("R", seq=5, length=0)
    conforms(bed)
