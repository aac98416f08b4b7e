# SPDX-License-Identifier: Apache-2.0
"""Packets made and read by Scapy, an implementation of the wire format that is not ours."""
import logging

import pytest

logging.getLogger("scapy").setLevel(logging.ERROR)
inet = pytest.importorskip("scapy.layers.inet", reason="Scapy is not installed (package python3-scapy)")


def packet(bed, **fields):
    header = inet.IP(src=bed.identity["peer_address"], dst=bed.identity["address"])
    return bytes(header / inet.TCP(sport=40000, dport=8080, window=65535, **fields))


def test_handshake(bed, conforms):
    listener = bed.listen()
    bed.inject_bytes(packet(bed, flags="S", seq=7000, options=[("MSS", 1460)]))
    answer = inet.IP(bed.expect("S.").raw)
    assert (answer[inet.TCP].flags, answer[inet.TCP].ack) == ("SA", 7001)
    checksum = answer[inet.TCP].chksum
    del answer[inet.TCP].chksum
    assert inet.IP(bytes(answer))[inet.TCP].chksum == checksum
    bed.inject_bytes(packet(bed, flags="A", seq=7001, ack=answer[inet.TCP].seq + 1 & 0xffffffff))
    listener.accept()
    assert bed.state() == "ESTABLISHED"
    conforms(bed)


def test_wrong_checksum_is_dropped(bed, conforms):
    bed.listen()
    bed.inject_bytes(packet(bed, flags="S", seq=7000, chksum=0x1234))
    assert bed.segments() == []
    conforms(bed)


def test_segments_are_read_alike(bed, drive):
    _, socket = drive.passive(bed)
    socket.write(100)
    segment = bed.expect("P.", length=100)
    read = inet.IP(segment.raw)[inet.TCP]
    assert bytes(read.payload) == segment.payload
    assert (read.seq, read.ack, read.window) == (segment.seq_wire, segment.ack_wire, segment.win)
    assert (read.sport, read.dport) == (segment.local_port, segment.remote_port)
