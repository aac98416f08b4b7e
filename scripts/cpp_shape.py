# SPDX-License-Identifier: Apache-2.0
"""Where the functions and the tables of a C++ file begin and end, without a compiler.

It counts braces, which is enough for code that clang-format has laid out. What stands between two braces is told from
the words before the first one.
"""
import re
from bisect import bisect_left
from typing import NamedTuple

TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<mark>[^()\s\\]*)\(.*?\)(?P=mark)")
      | (?P<text>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b\d[\w.]*(?:'[\w.]+)*)
      | (?P<letter>'(?:\\.|[^'\\\n])+')
      | (?P<directive>^[ \t]*\#(?:\\\n|[^\n])*)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
NO_NAME = {"alignas", "decltype", "noexcept", "requires", "if", "for", "while", "switch"}
NAME = re.compile(r"(operator\s*(?:\(\)|[^\s\w(]+|\w+)|~?\w+(?:<[^<>()]*>)?(?:::~?\w+|::operator\s*[^\s\w(]+)*)\s*\(")


class Function(NamedTuple):
    name: str  # "Class::name"; "Suite.Case" of a test
    first: int
    last: int  # lines, counted from 1
    lines: int  # those of tables inside do not count
    body: str  # without comments; strings are empty
    is_test: bool


class Shape(NamedTuple):
    functions: list
    table_lines: int  # of the tables that stand outside of functions


class Scope(NamedTuple):
    kind: str  # "open" has functions in it; "function", "table", "other"
    name: str
    statement: int  # where the statement began that opened it
    brace: int


def blank(text):
    """The text with comments, strings and directives made of spaces; each character keeps its place."""

    def spaces(match):
        if match["number"]:
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return TOKENS.sub(spaces, text)


def kind_of(head):
    """What a brace opens that stands after `head`, outside of any function."""
    plain = re.sub(r"^((public|private|protected)\s*:|template\s*<[^{}]*?>(?=\s*(class|struct|union))|\s)+", "", head)
    if re.match(r"(inline\s+)?namespace\b|extern\s*$", plain):
        return "open"
    if re.match(r"enum\b", plain):
        return "other"
    if re.match(r"(class|struct|union)\b", plain) and not re.search(r"=\s*$|\w\s*\([^()]*\)\s*(const\s*)?$", plain):
        return "open"
    if re.search(r"=\s*$", plain) or (re.search(r"\b(constexpr|const|constinit)\b", plain) and "(" not in plain):
        return "table" if re.search(r"\b(constexpr|const|constinit)\b", plain) else "other"
    return "function" if "(" in plain else "other"


def name_of(head, kind):
    if kind == "open":
        match = re.search(r"\b(?:class|struct|union)\s+(?:alignas\s*\([^)]*\)\s*)?(\w+(?:::\w+)*)", head)
        return match[1] if match else ""
    if match := re.search(r"\b(TEST|TEST_F|TEST_P)\s*\(\s*(\w+)\s*,\s*(\w+)\s*\)", head):
        return f"{match[2]}.{match[3]}"
    if match := re.search(r"(\w+)\s*=\s*\[", head):
        return match[1]
    names = [m[1] for m in NAME.finditer(head) if m[1].split("::")[-1] not in NO_NAME]
    return re.sub(r"\s+", "", names[0]) if names else "?"


def shape(text):
    """The functions of a file, and how many of its lines are tables."""
    code = blank(text)
    ends = [match.start() for match in re.finditer("\n", code)]

    def line_at(at):
        return bisect_left(ends, at)

    functions, stack = [], []
    statement = 0  # where the present statement began
    table_lines = inner_table_lines = 0
    for match in re.finditer(r"[{};()]", code):
        place, char = match.start(), match[0]
        outside = all(scope.kind == "open" for scope in stack)
        if char == "{":
            head = code[statement:place]
            if outside:
                kind = kind_of(head)
                stack.append(Scope(kind, name_of(head, kind), statement, place))
                inner_table_lines = 0
            else:
                is_table = re.search(r"\b(constexpr|const)\b[^;{}]*=\s*$", head) or (
                    re.search(r"\b(constexpr|static const)\b[^;{}()]*$", head))
                stack.append(Scope("table" if is_table else "other", "", statement, place))
            if stack[-1].kind != "other" or not outside:
                statement = place + 1
        elif char == "}" and stack:
            scope = stack.pop()
            after = code[place + 1:].lstrip()[:1] if scope.kind in ("function", "other") else ""
            lines = line_at(place) - line_at(scope.brace) + 1
            if scope.kind == "table" and not any(s.kind == "table" for s in stack):
                if any(s.kind == "function" for s in stack):
                    inner_table_lines += lines
                else:
                    table_lines += lines
            if scope.kind == "function" and after not in (",", "{"):
                head = code[scope.statement:scope.brace]
                start = scope.statement + len(head) - len(re.sub(r"^((public|private|protected)\s*:|\s)+", "", head))
                classes = [s.name for s in stack if s.name]
                is_test = re.search(r"\bTEST(_F|_P)?\s*\(", head) is not None
                first, last = line_at(start) + 1, line_at(place) + 1
                functions.append(Function("::".join(classes + [scope.name]), first, last,
                                          last - first + 1 - inner_table_lines, code[scope.brace:place + 1], is_test))
            # A brace in `Class() : member{1} {` or `int a{1}, b;` does not end the statement.
            goes_on = all(s.kind == "open" for s in stack) and after in tuple(",{;)")
            statement = scope.statement if goes_on else place + 1
        elif char == ";":
            statement = place + 1
    return Shape(functions, table_lines)
