# SPDX-License-Identifier: Apache-2.0
"""The pages tell the truth: their links lead somewhere, the paths that they name exist, the commands that they show parse.

Looks at every .md file of the tree. The last tests plant one mistake of each kind in a page and expect a complaint.
"""
import functools
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("TCPASSAY_PROGRAM", ROOT / "build/release/tcpassay"))
NOT_SOURCES = {"build", "findings", ".git", "__pycache__", ".pytest_cache"}
PRODUCTS = ("build/", "findings/")  # made by a build or a run
PLACEHOLDERS = {"CAPTURE", "DIR", "FILE", "FOLDER", "NAME", "PRESET", "RFC", "ROOM", "RULE", "SECTION", "TARGET", "VERB"}

FENCE = re.compile(r"^\s*```(.*)$")
INLINE_CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$")
PATH = re.compile(r"^[\w.*-]+(/[\w.*-]+)*/?$")
COMMAND = re.compile(r"^(?:\$ )?(?:\w+=\S+ )*(?:build/release/)?tcpassay (.*)$")
OPTION_LINE = re.compile(r"^  (-.*?)(?:\s{2,}|$)")
CHOICES = re.compile(r":\{([^}]*)\}")


def pages(root=ROOT):
    """Every .md file, as a path relative to the root."""
    found = []
    for base, folders, names in os.walk(root):
        folders[:] = sorted(folder for folder in folders if folder not in NOT_SOURCES)
        found += [(Path(base) / name).relative_to(root) for name in sorted(names) if name.endswith(".md")]
    return found


def lines_of(page):
    """(line number, text, whether the line stands in a fenced block) of each line; the fences themselves are left out."""
    fenced = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        else:
            yield number, line, fenced


def anchors(page):
    """What `page.md#...` can name: headings as GitHub spells them."""
    headings = [match[1] for _, line, fenced in lines_of(page) if not fenced and (match := HEADING.match(line))]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(root, name):
    page = root / name
    for number, line, fenced in lines_of(page):
        if fenced:
            continue
        for target in LINK.findall(INLINE_CODE.sub("", line)):
            if re.match(r"[a-z]+:", target):  # another site, or mail
                continue
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            if not file.exists():
                yield f"{name}:{number}: the link {target} leads nowhere"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                yield f"{name}:{number}: {target}: no such heading"


def is_path(word, *folders):
    """A path is what begins with something that stands in one of the folders, and the name of a page."""
    if not PATH.match(word) or word.startswith(PRODUCTS):
        return False
    parts = word.rstrip("/").split("/")
    if any(part.split(".")[0] in PLACEHOLDERS for part in parts):
        return False
    return ("/" in word and any((folder / parts[0]).exists() for folder in folders)) or word.endswith(".md")


def missing_paths(root, name):
    folders = (root, (root / name).parent)
    for number, line, fenced in lines_of(root / name):
        if fenced:
            continue
        for word in INLINE_CODE.findall(line):
            if is_path(word, *folders) and not any(any(folder.glob(word)) for folder in folders):
                yield f"{name}:{number}: {word} does not exist"


def commands(root, name):
    """(line number, words behind `tcpassay`) of each command that a page shows, in a block or between backticks."""
    for number, line, fenced in lines_of(root / name):
        for text in [line.strip()] if fenced else INLINE_CODE.findall(line):
            if match := COMMAND.match(text.removesuffix("\\")):  # a command may go on in the next line
                words = shlex.split(re.sub(r"\s[#|>&].*$|&&.*$", "", match[1]), comments=True)
                if words:
                    yield number, words


@functools.cache
def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, check=True).stdout


@functools.cache
def verbs():
    return set(re.findall(r"^  ([a-z-]+) {2,}", help_of().partition("Subcommands:")[2], re.MULTILINE))


@functools.cache
def options_of(verb):
    """option -> the values that it takes, or None where they are free."""
    options = {}
    for line in help_of(verb).splitlines():
        if not (match := OPTION_LINE.match(line)):
            continue
        choices = CHOICES.search(match[1])
        for option in re.findall(r"--?[a-z][a-z-]*", match[1].split(" ")[0], re.IGNORECASE):
            options[option] = set(choices[1].split(",")) if choices else None
    return options


def wrong_command(words, root=ROOT):
    """What is wrong with a command, or None."""
    verb, arguments = words[0], words[1:]
    if verb in PLACEHOLDERS | {"--help", "--version"}:
        return None
    if verb not in verbs():
        return f"tcpassay has no verb {verb}"
    for argument, behind in zip(arguments, arguments[1:] + [""]):
        option, _, value = argument.partition("=")
        if argument.startswith("-"):
            if option not in options_of(verb):
                return f"tcpassay {verb} has no option {option}"
            choices, value = options_of(verb)[option], value or behind
            if choices and value not in choices and not value.isupper() and "|" not in value:
                return f"tcpassay {verb} {option} does not take {value}"
        elif is_path(argument, root) and argument.startswith("corpus/") and not (root / argument).exists():
            return f"{argument} does not exist"
    return None


def wrong_commands(root, name):
    for number, words in commands(root, name):
        if why := wrong_command(words, root):
            yield f"{name}:{number}: {why}"


built = pytest.mark.skipif(not PROGRAM.exists(), reason="build/release/tcpassay is not built (scripts/quickstart builds it)")
each_page = pytest.mark.parametrize("name", pages(), ids=str)


@each_page
def test_links_lead_somewhere(name):
    assert not list(dead_links(ROOT, name))


@each_page
def test_paths_exist(name):
    assert not list(missing_paths(ROOT, name))


@built
@each_page
def test_commands_parse(name):
    assert not list(wrong_commands(ROOT, name))


@built
def test_some_commands_are_shown_for_every_verb():
    shown = {words[0] for name in pages() for _, words in commands(ROOT, name)}
    assert verbs() <= shown


def unmentioned(text):
    """(verb, option) that the text names neither by the long name nor by the short one."""
    words = set(re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", text))
    for verb in sorted(verbs()):
        for line in help_of(verb).splitlines():
            if match := OPTION_LINE.match(line):
                names = set(re.findall(r"--?[a-z][a-z-]*", match[1].split(" ")[0], re.IGNORECASE))
                if not names & words:
                    yield verb, match[1].split(" ")[0]


@built
def test_each_option_stands_in_some_page():
    text = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in pages() if name.parts[0] in ("docs", "README.md"))
    assert not list(unmentioned(text))
    assert ("zoo", "--pairs,--no-pairs{false}") in unmentioned(text.replace("--no-pairs", ""))


@pytest.fixture
def page(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "README.md").write_text("# A heading\n")

    def write(text):
        (tmp_path / "PAGE.md").write_text(text + "\n")
        return tmp_path, Path("PAGE.md")

    return write


def test_a_dead_link_is_seen(page):
    assert list(dead_links(*page("[here](README.md#a-heading) [there](https://example.org/)"))) == []
    assert list(dead_links(*page("[gone](docs/gone.md)"))) == ["PAGE.md:1: the link docs/gone.md leads nowhere"]
    assert list(dead_links(*page("[gone](README.md#gone)"))) == ["PAGE.md:1: README.md#gone: no such heading"]


def test_a_missing_path_is_seen(page):
    assert list(missing_paths(*page("`models/`, `README.md`, `models/NAME.cc`, `and/or`"))) == []
    assert list(missing_paths(*page("`models/gone.cc`"))) == ["PAGE.md:1: models/gone.cc does not exist"]
    assert list(missing_paths(*page("`models/*.cc`"))) == ["PAGE.md:1: models/*.cc does not exist"]


@built
@pytest.mark.parametrize("line, why", [
    ("tcpassay check --target linux --format json > linux.json", None),
    ("$ tcpassay run FILE.pkt --ip 6  # over IPv6", None),
    ("tcpassay shout", "tcpassay has no verb shout"),
    ("tcpassay check --loudly", "tcpassay check has no option --loudly"),
    ("tcpassay check --format xml", "tcpassay check --format does not take xml"),
    ("build/release/tcpassay run corpus/gone.pkt", "corpus/gone.pkt does not exist"),
])
def test_a_wrong_command_is_seen(page, line, why):
    root, name = page(f"```\n{line}\n```")
    (root / "corpus").mkdir()
    assert list(wrong_commands(root, name)) == ([f"PAGE.md:2: {why}"] if why else [])


def counted(text):
    """The lines of a text that count what the catalogue has."""
    return re.findall(r"^freedoms: .*$", text, re.MULTILINE)


def test_the_counted_freedoms_are_those_of_the_catalogue():
    said = subprocess.run([PROGRAM, "catalogue"], capture_output=True, text=True, check=True).stdout
    assert counted((ROOT / "docs/judge.md").read_text(encoding="utf-8")) == counted(said) != []
