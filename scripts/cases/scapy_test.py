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


def test_packets_are_objects_in_and_out(bed, conforms):
    listener = bed.listen()
    bed.inject_packet(inet.TCP(flags="S", seq=7000, window=65535, options=[("MSS", 1460)]))  # the rest is filled in
    answer = bed.expect("S.").scapy()[inet.TCP]
    ack = inet.TCP(flags="A", seq=7001, ack=answer.seq + 1 & 0xffffffff, window=65535)
    bed.inject_bytes(inet.IP(src=bed.identity["peer_address"], dst=bed.identity["address"]) / ack)
    connection = listener.accept()
    bed.inject_packet(ack / b"text of one's own")
    assert connection.read() == b"text of one's own"
    conforms(bed)


def test_packets_over_ipv6():
    import tcpassay

    with tcpassay.open("own", ip=6) as bed:
        bed.listen()
        bed.inject_packet(inet.TCP(flags="S", seq=7000, window=65535))
        assert bed.expect("S.").scapy().version == 6
        assert bed.conforms()
