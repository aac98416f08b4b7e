# SPDX-License-Identifier: Apache-2.0
"""The package as its users meet it: payload of their own, notebooks, Ctrl-C, and errors in their words."""
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

tcpassay = pytest.importorskip("tcpassay")


def available(name):
    return any(row.available for row in tcpassay.targets() if row.name == name)


@pytest.fixture
def own():
    with tcpassay.open("own") as bed:
        yield bed


def test_payload_of_ones_own_reaches_the_user(bed, conforms):
    _, socket = bed.open_passively()
    bed.inject("P.", payload=b"GET / HTTP/1.0\r\n\r\n")
    bed.inject("P.", length=10)
    assert socket.read(18) == b"GET / HTTP/1.0\r\n\r\n"
    assert len(socket.read(100)) == 10
    conforms(bed)


@pytest.mark.parametrize("call, error, words", [
    (lambda t, s: s.write(b"abc"), TypeError, "how many octets"),
    (lambda t, s: s.write(-1), ValueError, "from 0 to"),
    (lambda t, s: s.read(-5), ValueError, "from 0 to"),
    (lambda t, s: s.read("x"), TypeError, r"read\(\) takes a number of octets, not 'x'"),
    (lambda t, s: t.inject("P.", payload="x"), TypeError, "octets such as b'text', not 'x'"),
    (lambda t, s: t.listed("nosuch"), NotADirectoryError, "nosuch: no such folder"),
    (lambda t, s: tcpassay.open(None), TypeError, "such as 'own', not None"),
    (lambda t, s: tcpassay.run_script(" "), ValueError, "this script is empty"),
    (lambda t, s: s.set_option("nodelay", 1), ValueError, "no socket option nodelay; there are .*no_delay"),
    (lambda t, s: t.can("virtualtime"), ValueError, "no ability 'virtualtime'; there are virtual-time"),
    (lambda t, s: t.configure("ecn", 1), RuntimeError, "comes first"),
    (lambda t, s: t.inject(".", length=-1), ValueError, "0 octets of text or more"),
    (lambda t, s: t.inject(".", length=3, payload=b"ab"), ValueError, "give one of them"),
    (lambda t, s: t.advance(-1), ValueError, "not negative"),
    (lambda t, s: s.shutdown("all"), ValueError, "read, write, both"),
])
def test_mistakes_are_told_in_the_users_words(own, call, error, words):
    _, socket = own.open_passively()
    with pytest.raises(error, match=words):
        call(own, socket)


@pytest.mark.parametrize("call", [
    lambda t: t.inject("S"), lambda t: t.listen(), lambda t: t.configure("ecn", 1), lambda t: t.state(),
    lambda t: t.segments(), lambda t: t.advance(1), lambda t: t.verdicts(), lambda t: t.identity,
])
def test_a_closed_testbed_says_so(own, call):
    own.close()
    with pytest.raises(RuntimeError, match="this testbed is closed"):
        call(own)


def test_settings_have_names_and_limits(own):
    ecn = tcpassay.settings()["ecn"]
    assert (ecn.least, ecn.most) == (0, 2) and "congestion" in ecn.meaning
    with pytest.raises(ValueError, match="there is no setting enc; tcpassay.settings"):
        own.configure("enc", 1)
    with pytest.raises(ValueError, match="from 0 to 2"):
        own.configure("ecn", 3)
    own.configure("ecn", 1)


def test_representations(own):
    assert repr(own) == "<Testbed own, IPv4, CLOSED, 0.000 s>"
    _, socket = own.open_passively()
    assert "ESTABLISHED" in repr(own) and repr(own) in repr(socket)
    own.close()
    assert repr(own) == "<Testbed own, closed>"
    assert tcpassay.__version__


def test_a_notebook_shows_the_ladder():
    with tcpassay.open("own", plant="rst_out_of_window") as bed:
        bed.open_passively()
        bed.inject("R", seq=2**31, win=0)
        bed.judge()
        shown = bed._repr_html_()
    assert "<pre" in shown and "-&gt;|" in shown and "<li>MUST violated" in shown and "<mark" in shown
    assert "&lt;mss 1460" in shown
    assert "no verdict" in tcpassay.run_script("+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n")._repr_html_()


def test_one_line_is_a_script_too(tmp_path):
    assert not tcpassay.run_script("+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3").mismatches
    with pytest.raises(tcpassay.ScriptError, match="gone.pkt"):
        tcpassay.run_script(tmp_path / "gone.pkt")


def test_the_corpus_is_found():
    script = tcpassay.corpus() / "textbook/client-closes-first.pkt"
    assert tcpassay.run_script(script).conforms()


def test_known_deviations_are_set_aside(tmp_path):
    (tmp_path / "own.txt").write_text("SA4_1_rst: known\nversion 99\nMUST_1: of another version\n")
    with tcpassay.open("own", plant="rst_out_of_window") as bed:
        bed.open_passively()
        bed.inject("R", seq=2**31, win=0)
        assert bed.listed(tmp_path) == {"SA4_1_rst": "known"}
        others = {verdict.rule for verdict in bed.judge() if verdict.kind == "violated"} - {"SA4_1_rst"}
        assert not bed.conforms() and not bed.conforms(others)
        assert bed.conforms({**bed.listed(tmp_path), **dict.fromkeys(others)})


def test_a_capture_is_written(own, tmp_path):
    own.open_passively()
    own.write_capture(tmp_path / "run.pcapng")
    assert (tmp_path / "run.pcapng").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


@pytest.mark.skipif(not available("linux"), reason="the target linux is not available")
@pytest.mark.parametrize("wait", ["t.advance(30)", "t.expect('S.', within=30)",
                                  "tcpassay.run_script('+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\\n+9 close(3) = 0\\n', 'linux')"])
def test_ctrl_c_ends_a_wait_at_once(wait):
    # Who starts this in the background of a script has the signal ignored, and each child inherits that.
    code = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += f"import sys, tcpassay\nt = tcpassay.open('linux')\nprint('ready', flush=True)\n{wait}\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.5)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
    assert "KeyboardInterrupt" in said and time.monotonic() - began < 3


def test_the_wrong_interpreter_is_named(tmp_path):
    package = Path(tcpassay.__file__).parent
    shutil.copytree(package, tmp_path / "tcpassay", ignore=shutil.ignore_patterns("*.so", "__pycache__", "share", "bin"))
    for module, words in ((None, "no compiled module"), ("_tcpassay.cpython-27-x86_64-linux-gnu.so", "built for another one")):
        if module:
            (tmp_path / "tcpassay" / module).touch()
        done = subprocess.run([sys.executable, "-c", "import tcpassay"], cwd=tmp_path, capture_output=True, text=True,
                              env={"PYTHONPATH": str(tmp_path)})
        assert words in done.stderr and "circular" not in done.stderr


def test_adapters_are_found_as_the_program_finds_them(tmp_path):
    package = Path(tcpassay.__file__).parent
    shutil.copytree(package, tmp_path / "python/tcpassay", ignore=shutil.ignore_patterns("__pycache__", "share", "bin"))
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets/mystack.missing").write_text("its compiler is not here\n")
    done = subprocess.run([sys.executable, "-c", "import tcpassay; tcpassay.open('mystack')"], capture_output=True, text=True,
                          env={"PYTHONPATH": str(tmp_path / "python")})
    assert "mystack is not here: its compiler is not here" in done.stderr


SAMPLE = '''
from typing import List

import tcpassay

with tcpassay.open("own", ip=6) as bed:
    listener, connection = bed.open_passively()
    bed.inject("P.", payload=b"abc")
    text: bytes = connection.read(3)
    segments: List[tcpassay.Segment] = bed.segments()
    verdicts: List[tcpassay.Verdict] = bed.judge()
    connection.write(WHAT)
result: tcpassay.Result = tcpassay.run_script("x.pkt")
'''


def test_the_stubs_are_strict(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed (package mypy)")
    for what, status in (("3", 0), ('b"abc"', 1)):
        (tmp_path / "sample.py").write_text(SAMPLE.replace("WHAT", what))
        done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "sample.py"], cwd=tmp_path, capture_output=True,
                              text=True, env={"MYPYPATH": str(Path(tcpassay.__file__).parents[1])})
        assert done.returncode == status, done.stdout + done.stderr
