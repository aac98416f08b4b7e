# SPDX-License-Identifier: Apache-2.0
"""The judge says no where it should, and the package says clearly what went wrong."""
import pytest

tcpassay = pytest.importorskip("tcpassay")


def established(t):
    listener = t.listen()
    t.inject("S", mss=1460)
    t.expect("S.")
    t.inject(".")
    return listener.accept()


def test_planted_defect_is_caught():
    with tcpassay.open("own", plant="rst_out_of_window") as t:
        established(t)
        t.inject("R", seq=2**31, win=0)
        assert not t.conforms()
        first = next(verdict for verdict in t.verdicts() if not verdict.consequence)
        assert (first.level, first.kind) == ("MUST", "violated")
        assert first.rule.startswith(("R5961", "MUST", "SA4"))
        assert first.allowed and first.seen and first.sentence and "ESTABLISHED" in first.state


def test_the_same_conversation_without_the_defect_conforms():
    with tcpassay.open("own") as t:
        established(t)
        t.inject("R", seq=2**31, win=0)
        assert t.conforms(), t.verdicts()


def test_a_run_in_virtual_time_repeats_itself():
    def packets(seed):
        with tcpassay.open("own", seed=seed) as t:
            established(t).write(5000)
            t.advance(10)
            return [segment.raw for segment in t.segments()]

    assert packets(1) == packets(1)
    assert packets(1) != packets(2)


def test_silence_is_not_what_was_expected():
    with tcpassay.open("own") as t:
        with pytest.raises(AssertionError, match="expected flags S., seen nothing"):
            t.expect("S.")


def test_another_segment_is_not_what_was_expected():
    with tcpassay.open("own") as t:
        t.inject("S", seq=5)
        with pytest.raises(AssertionError, match=r"expected flags S\., seen R\. .* ack 6"):
            t.expect("S.")


def test_unknown_target_and_defect():
    with pytest.raises(tcpassay.TargetError, match="nonesuch"):
        tcpassay.open("nonesuch")
    with pytest.raises(tcpassay.TargetError, match="nonesuch"):
        tcpassay.open("own", plant="nonesuch")


def test_flags_that_are_none():
    with tcpassay.open("own") as t:
        with pytest.raises(tcpassay.ScriptError, match=r"inject:1:\d+: expected "):
            t.inject("Q", seq=0)


def test_a_run_that_was_judged_is_over():
    with tcpassay.open("own") as t:
        t.judge()
        with pytest.raises(RuntimeError, match="over"):
            t.inject("S")


def test_rules_and_targets():
    ids = [rule.id for rule in tcpassay.rules()]
    assert ids and len(set(ids)) == len(ids)
    assert "own" in [target.name for target in tcpassay.targets() if target.available]


SCRIPT = """
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+0 > S. 0:0(0) ack {ack} <...>
+0 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
"""


def test_script():
    result = tcpassay.run_script(SCRIPT.format(ack=1))
    assert result.conforms() and not result.mismatches and not result.skipped


def test_script_whose_assertion_fails():
    result = tcpassay.run_script(SCRIPT.format(ack=2))
    assert not result.verdicts
    assert [mismatch.where.split(":")[1] for mismatch in result.mismatches] == ["6"]


def test_script_from_a_file(tmp_path):
    path = tmp_path / "handshake.pkt"
    path.write_text(SCRIPT.format(ack=1))
    assert tcpassay.run_script(path).conforms()


def test_script_with_a_mistake():
    with pytest.raises(tcpassay.ScriptError, match=r"script:2:\d+"):
        tcpassay.run_script("+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 < X 0:0(0)\n")
