# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM: every long command prints what it has, exits with 2, and leaves no file that is there in part.

A campaign of fuzz goes on until it is interrupted: its status is that of what it has found."""
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("TCPASSAY_PROGRAM", ROOT / "build/release/tcpassay"))
SLOW = """0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+8 < . 1:1(0) ack 1 win 257
+0 > R 1:1(0)
"""
# The command, what its output has, its exit status, and the signal.
LONG = [
    ("run slow.pkt --target linux --pcap slow.pcap", "0 assertions failed", 2, signal.SIGINT),
    ("run slow.pkt --target linux", "0 assertions failed", 2, signal.SIGTERM),
    ("check slow.pkt --target linux --pcap captures", "the run was interrupted", 2, signal.SIGINT),
    ("check slow.pkt --target linux --jobs 1", "the run was interrupted", 2, signal.SIGTERM),
    ("catalogue --target linux", "freedoms: ", 2, signal.SIGINT),
    ("sweep --target own --findings causes", "the sweep was interrupted", 2, signal.SIGINT),
    ("sweep --target own --format json", '"interrupted"', 2, signal.SIGTERM),
    ("zoo", "interrupted", 2, signal.SIGTERM),
    ("zoo --sweep --jobs 1", "caught by the sweep", 2, signal.SIGINT),
    ("sharpness --samples 10000000", "edits of", 2, signal.SIGINT),
    ("bench --target own --seconds 60", "connections/s", 2, signal.SIGTERM),
    ("fuzz --target own --folder campaign", "inputs", 0, signal.SIGINT),
]
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built (scripts/quickstart builds it)")


def has_kernel():
    listed = subprocess.run([PROGRAM, "targets"], capture_output=True, text=True, check=False).stdout
    return any(line.split()[:2] == ["linux", "ready"] for line in listed.splitlines())


@pytest.mark.parametrize("command, shown, status, number", LONG, ids=[f"{row[0]} {row[3].name}" for row in LONG])
def test_prints_what_it_has(tmp_path, command, shown, status, number):
    if "linux" in command and not has_kernel():
        pytest.skip("the kernel is no target here")
    (tmp_path / "slow.pkt").write_text(SLOW, encoding="utf-8")
    with subprocess.Popen([PROGRAM, *command.split()], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env={**os.environ, "TCPASSAY_CORPUS": str(ROOT / "corpus")}) as child:
        time.sleep(1 if "--sweep" in command else 2)  # which takes some seconds only
        child.send_signal(number)
        asked = time.monotonic()
        out, err = child.communicate(timeout=60)
        assert time.monotonic() - asked < 30
    assert child.returncode == status or (status == 0 and child.returncode == 1), (out[-500:], err)
    assert shown in out
    assert out.endswith("\n")
    assert not list(tmp_path.rglob("*.part")), "a file is there in part"


# A pipe that is open and silent: what has come through it is judged.
@pytest.mark.parametrize("words, shown", [([], "1 conversations: 1 accepted"), (["--format", "json"], '"accepted": 1'),
                                          (["--format", "jsonl"], '"accepted":1')])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_judge_prints_what_has_come_through_a_pipe(tmp_path, words, shown, number):
    script = ROOT / "corpus/textbook/client-closes-first.pkt"
    subprocess.run([PROGRAM, "run", script, "--pcap", tmp_path / "whole.pcap"], capture_output=True, check=True)
    with subprocess.Popen([PROGRAM, "judge", "-", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False) as child:
        child.stdin.write((tmp_path / "whole.pcap").read_bytes())
        child.stdin.flush()
        time.sleep(1)
        child.send_signal(number)
        assert child.wait(timeout=20) == 2  # although the pipe stays open
        out = child.stdout.read().decode()
    assert shown in out
    assert "interrupted behind frame" in out


# Among many files, those that were judged are told.
@pytest.mark.parametrize("words", [[], ["--format", "json"]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_judge_prints_the_files_that_it_has_read(tmp_path, words, number):
    recorded = (ROOT / "corpus/records").rglob("*.pkt")
    text = next(recorded).read_text(encoding="utf-8")
    (tmp_path / "many").mkdir()
    (tmp_path / "many/0.pkt").write_text(text, encoding="utf-8")
    for i in range(1, 20000):
        os.link(tmp_path / "many/0.pkt", tmp_path / f"many/{i}.pkt")
    with subprocess.Popen([PROGRAM, "judge", "--jobs", "1", *words, "many"], cwd=tmp_path, stdout=subprocess.PIPE) as child:
        time.sleep(0.5)
        child.send_signal(number)
        out, _ = child.communicate(timeout=60)
    assert child.returncode == 2
    found, left = out.count(b"condemned"), out.count(b"interrupted")
    assert found > 0 and left > 0  # each file is named, with what is known of it
