# SPDX-License-Identifier: Apache-2.0
"""Resets and those who forge them (RFC 9293 section 3.10.7.4, RFC 5961)."""
import pytest


def test_exact_reset_ends_the_connection(bed, drive, conforms):
    _, socket = drive.passive(bed)
    bed.inject("R", win=0)
    assert bed.segments() == []
    with pytest.raises(ConnectionResetError):
        socket.read(1)
    bed.inject("P.", seq=1, ack=1, length=1)
    bed.expect("R", seq=1)
    conforms(bed)


def test_reset_elsewhere_in_the_window_is_challenged(bed, drive, conforms):
    drive.passive(bed)
    bed.inject("R", seq=1000, win=0)
    bed.expect(".", seq=1, ack=1, length=0)
    assert bed.state() == "ESTABLISHED"
    conforms(bed)


def test_reset_outside_of_the_window_is_ignored(bed, drive, conforms):
    drive.passive(bed)
    bed.inject("R", seq=2**31, win=0)
    assert bed.segments() == []
    assert bed.state() == "ESTABLISHED"
    conforms(bed)


def test_syn_is_challenged(bed, drive, conforms):
    _, socket = drive.passive(bed)
    bed.inject("S", seq=100)
    bed.expect(".", seq=1, ack=1, length=0)
    bed.inject("P.", seq=1, ack=1, length=10)
    assert len(socket.read(100)) == 10
    conforms(bed)


def test_bad_checksum_is_dropped(bed, drive, conforms):
    _, socket = drive.passive(bed)
    bed.inject("P.", length=10, damage="checksum")
    assert bed.segments() == []
    with pytest.raises(BlockingIOError):
        socket.read(10)
    bed.inject("P.", seq=1, length=10)
    assert len(socket.read(10)) == 10
    conforms(bed)
