# SPDX-License-Identifier: Apache-2.0
"""Conversations over IPv6."""
import pytest

import tcpassay


def test_a_connection_over_ipv6(drive, conforms):
    with tcpassay.open("own", ip=6) as t:
        _, connection = drive.passive(t)
        t.inject("P.", length=100)
        assert len(connection.read(1000)) == 100
        connection.write(2000)
        first = t.expect(".", seq=1)
        assert first.raw[0] >> 4 == 6
        assert len(first.payload) <= 1440
        conforms(t)


def test_no_other_version():
    with pytest.raises(ValueError):
        tcpassay.open("own", ip=5)
