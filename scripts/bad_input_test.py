# SPDX-License-Identifier: Apache-2.0
"""What a user may get wrong: each verb answers in one line (what, where, what to do), with 2, and writes nothing."""
import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("TCPASSAY_PROGRAM", ROOT / "build/release/tcpassay"))
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built (scripts/quickstart builds it)")

SCRIPT = """//! title: A reset outside the window is dropped
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
"""
# The words behind `tcpassay`, and what the line says. RESULT is a good result of check, CAPTURE a good capture.
WRONG = """
chek | there is no command 'chek'; perhaps check
targets --defect | --defect
check --target nosuch | unknown target 'nosuch'
check --target own, | check, run and sweep take several
check --target plugin: | plugin:FILE.so
check --target plugin:RESULT | invalid ELF header
check --i-may-test abc | --i-may-test abc: expected an address
check nosuch.pkt | nosuch.pkt: cannot be read: No such file
check garbage | garbage:1:1: expected a time
check typo.pkt | typo.pkt:1:4: expected the name of a call, perhaps listen
check --corpus nosuch | nosuch: no such folder
check --rule nosuch | unknown rule 'nosuch' ('tcpassay check --list-rules'
check --section 7323 | did you mean rfc7323?
check --suite textbok | did you mean textbook?
check --exclude nosuch | excludes nothing
check --format html | -o DIR
check --format html -o filled | name another folder
check --format html -o RESULT | is there and is no folder
check --format html -o /proc/nosuch | cannot be written
check --shard 3/2 | such as 2/8
check --deviations nosuch | no such file or folder
check --deviations garbage | garbage:1: expected 'RULE: reason'
check --deviations garbled.txt | garbled.txt:1: unknown rule
check --claims nosuch | nosuch: cannot be read: No such file
check --claims filled | filled: cannot be read: Is a directory
check --pcap RESULT --suite textbook | RESULT: cannot be read or written: Not a directory
check --update-deviations --format json | in no other format
bench --target own,linux | is not one target
run empty.pkt | nothing is in it
run commands.pkt | no segment and no call is in it
run good.pkt --pcap nosuch/x.pcap | nosuch/x.pcap: cannot be written
run good.pkt --four-ways --format json | text only
export empty.pkt | nothing is in it
export good.pkt --plant rst_out_of_window | --target
export good.pkt --temper nosuch | --target
export good.pkt -o good.pkt | is what is read
export good.pkt -o nosuch/x | cannot write nosuch/x: No such file
judge nosuch | no such file
judge CAPTURE --annotate CAPTURE | is what is read
judge CAPTURE --extract good | --packets-alone
judge CAPTURE --frame 3 | --extract
judge CAPTURE --extract x --frame -1 | '-1' is no whole number
judge CAPTURE --end 192.0.2.1:99999 | write 192.0.2.1
judge cut.pcap | packet 1: truncated
explain nosuch | unknown rule 'nosuch'
explain 99 | write 3.10.7.4
catalogue --zoo nosuch | cannot be read: No such file
catalogue --zoo garbage | garbage:1:1: no JSON
catalogue --zoo RESULT | not what 'tcpassay zoo --format json' writes
sweep --state nosuch | no such state
sweep --suite textbook | choose cells with
sweep --one-in -1 | --one-in
report nosuch -o x | cannot be read: No such file
report filled -o x | cannot be read: Is a directory
report half.json -o x | the JSON ends here
report object.json -o x | no result; check and sweep write one
report RESULT --captures nosuch -o x | nosuch: no such folder
diff nosuch RESULT | nosuch: cannot be read: No such file
diff RESULT filled | filled: cannot be read: Is a directory
diff RESULT half.json | the JSON ends here
diff empty.pkt RESULT | empty.pkt: nothing is in it
diff RESULT object.json | object.json: no result
merge nosuch | nosuch: cannot be read: No such file
merge garbage | garbage:1:1: no JSON
merge RESULT | not written with --shard
merge RESULT -o RESULT | is what is read
merge broken_shard.json | broken_shard.json: not what 'tcpassay check --shard' writes
fuzz bogus | list
fuzz list --folder no/such | no campaign there
fuzz replay --folder no/such | --folder DIR
fuzz --inputs 0 | '0' is no whole number from 1 on
fuzz --inputs -5 | '-5' is no whole number
fuzz --findings-max -5 | '-5' is no whole number
fuzz --seed -1 | '-1' is no whole number
fuzz --inputs 1 --leave-out nosuch | unknown rule
fuzz --inputs 1 --ignore nosuch | unknown rule
fuzz --inputs 1 --target nosuch | unknown target
fuzz --inputs 1 --seeds nosuch | nosuch: cannot be read
fuzz --inputs 1 --folder RESULT | Not a directory
fuzz minimise nosuch | no finding there
fuzz --inputs 1 --folder campaign --plant window_signed | campaign: is a campaign on own; name another folder
plugin-check nosuch | no adapter is called so
plugin-check ./nosuch.so | no such file
plugin-check own | is no adapter
bench --seconds 0 | --seconds
zoo --defect nosuch | unknown defect
zoo --defect window_signed --rtt 40 | --rtt
zoo empty.pkt --defect window_signed | nothing is in it
zoo --sweep good.pkt | none to choose
sharpness empty.pkt | nothing is in it
sharpness good.pkt --seed -1 | '-1' is no whole number
sharpness good.pkt --survivors RESULT | Not a directory
sharpness --history nosuch | no class of edits
manual nosuch | there is no verb 'nosuch'
completions csh | bash
"""
ROWS = [tuple(part.strip() for part in line.split(" | ")) for line in WRONG.strip().splitlines()]


def tcpassay(folder, *words):
    return subprocess.run([PROGRAM, *words], cwd=folder, capture_output=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env={**os.environ, "TCPASSAY_CORPUS": str(ROOT / "corpus")})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("input")
    (place / "good.pkt").write_text(SCRIPT, encoding="utf-8")
    (place / "empty.pkt").write_text("", encoding="utf-8")
    (place / "typo.pkt").write_text("+0 listn(3, 1) = 0\n", encoding="utf-8")
    (place / "commands.pkt").write_text("+0 `true`\n", encoding="utf-8")
    (place / "garbage").write_bytes(bytes([0x27, 0x1B, 0x5B, 0x32, 0x4A, 0xFF, 0x07, 0x0D, 0x80]) * 40)
    (place / "garbled.txt").write_bytes(b"X\x1b[2J\xff: a terminal would be cleared\n")
    (place / "filled").mkdir()
    (place / "filled" / "file").write_text("mine", encoding="utf-8")
    assert tcpassay(place, "run", "good.pkt", "--pcap", "CAPTURE").returncode == 0
    (place / "cut.pcap").write_bytes((place / "CAPTURE").read_bytes()[:50])
    assert tcpassay(place, "fuzz", "--inputs", "1", "--seeds", "good.pkt", "--folder", "campaign").returncode == 0
    result = tcpassay(place, "check", "good.pkt", "--format", "json").stdout
    (place / "RESULT").write_bytes(result)
    (place / "half.json").write_bytes(result[:2000])
    (place / "object.json").write_text("{}", encoding="utf-8")
    shard = json.loads(tcpassay(place, "check", "good.pkt", "--shard", "1/1", "--format", "json").stdout)
    del shard["shard"]["records"]
    (place / "broken_shard.json").write_text(json.dumps(shard), encoding="utf-8")
    return place


def contents(place):
    return {path.relative_to(place): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()} | {
        path.relative_to(place): b"" for path in place.rglob("*") if path.is_dir()}


@pytest.mark.parametrize("words, said", ROWS, ids=[row[0] for row in ROWS])
def test_one_line_says_what_is_wrong(folder, words, said):
    before = contents(folder)
    done = tcpassay(folder, *words.split())
    line = done.stderr.decode("utf-8")
    assert done.returncode == 2, line
    assert said in line
    assert line.startswith("tcpassay: ") and line.endswith("\n") and line.count("\n") == 1, line
    assert all(character.isprintable() for character in line[:-1]), repr(line)
    assert not any(word in line for word in ("exception", "filesystem error", "basic_")), line
    assert done.stdout == b""
    assert contents(folder) == before


def test_every_verb_is_asked():
    listed = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    verbs = [line.split()[0] for line in listed.partition("Subcommands:")[2].splitlines() if line.startswith("  ")]
    assert set(verbs) <= {row[0].split()[0] for row in ROWS}
