# SPDX-License-Identifier: Apache-2.0
"""Closing a connection in every order (RFC 9293 section 3.6)."""
import pytest

SIDES = pytest.mark.parametrize("side", ["passive", "active"])


def established(bed, drive, side):
    return drive.passive(bed)[1] if side == "passive" else drive.active(bed)


@SIDES
def test_target_closes_first(bed, drive, conforms, side):
    socket = established(bed, drive, side)
    socket.close()
    bed.expect("F.", seq=1, ack=1, length=0)
    bed.inject(".")
    assert bed.state() == "FIN-WAIT-2"
    bed.inject("F.")
    bed.expect(".", seq=2, ack=2, length=0)
    assert bed.state() == "TIME-WAIT"
    conforms(bed)


@SIDES
def test_peer_closes_first(bed, drive, conforms, side):
    socket = established(bed, drive, side)
    bed.inject("F.")
    bed.expect(".", seq=1, ack=2, length=0, within=0.5)
    assert bed.state() == "CLOSE-WAIT"
    assert socket.read(1) == b""
    socket.close()
    bed.expect("F.", seq=1, ack=2, length=0)
    assert bed.state() == "LAST-ACK"
    bed.inject(".")
    assert bed.segments() == []
    conforms(bed)


@SIDES
def test_half_close(bed, drive, conforms, side):
    socket = established(bed, drive, side)
    socket.shutdown("write")
    bed.expect("F.", seq=1, ack=1, length=0)
    bed.inject("P.", length=100)
    bed.expect(".", seq=2, ack=101, length=0, within=0.6)
    assert len(socket.read(1000)) == 100
    with pytest.raises(BrokenPipeError):
        socket.write(1)
    bed.inject("F.")
    bed.expect(".", seq=2, ack=102, length=0)
    assert socket.read(1000) == b""
    conforms(bed)


@SIDES
def test_simultaneous(bed, drive, conforms, side):
    socket = established(bed, drive, side)
    socket.shutdown("write")
    bed.expect("F.", seq=1, ack=1)
    bed.inject("F.", ack=1)  # ours was under way when theirs came
    bed.expect(".", seq=2, ack=2, length=0)
    assert bed.state() == "CLOSING"
    bed.inject(".", ack=2)
    assert bed.state() == "TIME-WAIT"
    conforms(bed)


def test_repeated_fin_is_acknowledged_in_time_wait(bed, drive, conforms):
    _, socket = drive.passive(bed)
    socket.close()
    bed.expect("F.")
    bed.inject("F.")
    bed.expect(".", ack=2)
    bed.inject("F.", seq=1)
    bed.expect(".", seq=2, ack=2, length=0)
    conforms(bed)


def test_abort_resets(bed, drive, conforms):
    _, socket = drive.passive(bed)
    socket.abort()
    reset = bed.expect(seq=1, length=0)
    assert reset.flags in ("R", "R.")
    bed.inject("P.", length=10)
    bed.expect("R", seq=1)
    conforms(bed)
