# SPDX-License-Identifier: Apache-2.0
"""Packets of Scapy, where Scapy is installed. Nothing is imported before a packet of Scapy is asked for or given."""
from __future__ import annotations

import importlib
import logging
import sys
from typing import Any, Dict


def _layers() -> Any:
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # it warns of machines without a default route
    try:
        # By name, since only some versions of Scapy have types.
        return importlib.import_module("scapy.layers.inet"), importlib.import_module("scapy.layers.inet6")
    except ImportError as error:
        raise ImportError("Scapy is not installed: pip install scapy, or the package python3-scapy") from error


def is_packet(value: object) -> bool:
    """Whether the value was made with Scapy."""
    module = sys.modules.get("scapy.packet")
    return module is not None and isinstance(value, module.Packet)


def packet_of(raw: bytes) -> Any:
    """An IP packet as an object."""
    inet, inet6 = _layers()
    return inet6.IPv6(raw) if raw[0] >> 4 == 6 else inet.IP(raw)


def octets_of(packet: Any, identity: Dict[str, Any], peer: Dict[str, Any]) -> bytes:
    """The octets of a packet. What its author left open is filled in: the IP header, the addresses, the ports."""
    inet, inet6 = _layers()
    packet = packet.copy()
    header = inet6.IPv6 if identity["ip"] == 6 else inet.IP
    if not (packet.haslayer(inet.IP) or packet.haslayer(inet6.IPv6)):
        packet = header() / packet
    first = packet.getlayer(header)
    if first is not None:
        first.fields.setdefault("src", identity["peer_address"])
        first.fields.setdefault("dst", identity["address"])
    segment = packet.getlayer(inet.TCP)
    if segment is not None:
        segment.fields.setdefault("sport", peer["remote_port"])
        segment.fields.setdefault("dport", peer["local_port"])
    return bytes(packet)
