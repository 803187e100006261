"""Where sources can be changed: from the compiler's syntax tree to mutants.

Offsets are those of the compiler, in bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Node = dict[str, Any]

# What each operator becomes. A comparison moves its boundary: turned round, any test that gets there would find it.
SWAPS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "&&": "||",
    "||": "&&",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "%": "/",
    "&": "|",
    "|": "&",
    "^": "&",
    "<<": ">>",
    ">>": "<<",
}


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        number: from 1, through all files.
        change: what it does, in the words of the report, with the text that it changes.
        occurrence: from 1, among the same changes of the same text in functions of this name.
    """

    number: int
    file: str
    line: int
    function: str
    change: str
    occurrence: int = 1

    @property
    def place(self) -> tuple[str, str, str, int]:
        """Names the mutant without its line, so that it keeps its name while the rest of the file changes."""
        return self.file, self.function, self.change, self.occurrence

    def __str__(self) -> str:
        which = f" (no. {self.occurrence})" if self.occurrence > 1 else ""
        return f"{self.file}:{self.line} {self.function}: {self.change}{which}"


@dataclass(frozen=True)
class Span:
    """A part of a source, from `start` up to but not including `end`."""

    start: int
    end: int


Text = Callable[[Span], str]
Build = Callable[[Text, Text], str]


@dataclass
class Site:
    """A part of a source that is written anew, with its mutants.

    Attributes:
        build: makes the new text. Gets the functions `old`, the source's text of a span, and `new`, the same with the
            sites inside it written anew. Only what runs without a mutant is made of `new`: but one mutant is on at
            a time.
        order: of its node in the tree; tells a site from the one inside it where both span the same text.
    """

    span: Span
    order: int
    mutants: list[Mutant]
    build: Build = field(repr=False)


def on(mutant: Mutant) -> str:
    """The condition under which a mutant is on."""
    return f"Mutant.on({mutant.number})"


class Finder:
    """Collects the sites of one file."""

    def __init__(self, file: str, source: bytes, first: int) -> None:
        self._file = file
        self._source = source
        self._number = first
        self._order = 0
        self._function = ""
        self._seen: Counter[tuple[str, str]] = Counter()
        self.sites: list[Site] = []

    def find(self, tree: Node) -> list[Site]:
        """All sites below a file's syntax tree."""
        for node in _descend(tree):
            if node["nodeType"] in ("FunctionDefinition", "ModifierDefinition") and node.get("body"):
                self._function = node.get("name") or node.get("kind", "")
                self._visit(node["body"])
        return self.sites

    def _visit(self, node: Node, *, statements: bool = True) -> None:
        self._order += 1
        kind = node["nodeType"]
        if kind == "InlineAssembly":
            return
        if kind == "BinaryOperation":
            self._operator(node)
        elif kind == "UnaryOperation" and node["operator"] == "!":
            self._negation(node)
        elif kind == "IfStatement":
            self._condition(node["condition"], "the branch", both=not _reverts(node["trueBody"]))
        elif kind == "ExpressionStatement" and statements:
            self._statement(node)
        for name, child in _children(node):
            # the step of a loop stays: without it the loop only runs out of gas
            self._visit(child, statements=not (kind == "ForStatement" and name == "loopExpression"))

    def _operator(self, node: Node) -> None:
        left, right = _span(node["leftExpression"]), _span(node["rightExpression"])
        literal = all(
            side["typeDescriptions"]["typeString"].startswith(("int_const", "rational_const"))
            for side in (node["leftExpression"], node["rightExpression"])
        )
        operator = node["operator"]
        if literal or operator not in SWAPS:
            return
        mutant = self._mutant(node, f"{operator} becomes {SWAPS[operator]}: {self._text(_span(node))}")
        self._add(
            _span(node),
            [mutant],
            lambda old, new: (
                f"({on(mutant)} ? ({old(left)}) {SWAPS[operator]} ({old(right)})"
                f" : ({new(left)}) {operator} ({new(right)}))"
            ),
        )

    def _negation(self, node: Node) -> None:
        inner = _span(node["subExpression"])
        mutants = [self._mutant(node, f"! is dropped: {self._text(_span(node))}")]
        self._add(_span(node), mutants, lambda old, new: f"({on(mutants[0])} ? ({old(inner)}) : !({new(inner)}))")

    def _condition(self, node: Node, what: str, *, both: bool) -> None:
        span = _span(node)
        mutants = [self._mutant(node, f"{what} is never taken: {self._text(span)}")]
        if both:
            mutants.append(self._mutant(node, f"{what} is always taken: {self._text(span)}"))

        def build(old: Text, new: Text) -> str:
            always = f"{on(mutants[1])} ? true : " if both else ""
            return f"({on(mutants[0])} ? false : {always}({new(span)}))"

        self._add(span, mutants, build)

    def _statement(self, node: Node) -> None:
        expression = node["expression"]
        kind = expression["nodeType"]
        span = _span(node)
        called = expression.get("expression", {}).get("name") if kind == "FunctionCall" else None
        if called in ("require", "assert"):
            self._requirement(expression)
            return
        changes = kind == "Assignment" or (
            kind == "UnaryOperation" and expression["operator"] in ("++", "--", "delete")
        )
        if not changes and (kind != "FunctionCall" or called == "revert"):
            return
        # the compiler refuses a pointer into storage that points nowhere, and names its declaration for it
        if kind == "Assignment" and re.search(
            "storage pointer|calldata", expression["leftHandSide"]["typeDescriptions"]["typeString"]
        ):
            return
        mutants = [self._mutant(node, f"dropped: {self._text(span)}")]
        swapped: tuple[Span, str, Span] | None = None
        if kind == "Assignment" and len(expression["operator"]) > 1:
            swap = SWAPS[expression["operator"][:-1]]
            mutants.append(self._mutant(node, f"{expression['operator']} becomes {swap}=: {self._text(span)}"))
            swapped = _span(expression["leftHandSide"]), f"{swap}=", _span(expression["rightHandSide"])

        def build(old: Text, new: Text) -> str:
            other = ""
            if swapped:
                left, operator, right = swapped
                other = f"if ({on(mutants[1])}) {{ {old(left)} {operator} {old(right)}; }} else "
            # in a block of its own, so that it takes no other statement's `else`
            return f"{{ if ({on(mutants[0])}) {{}} else {other}{{ {new(span)}; }} }}"

        self._add(Span(span.start, self._semicolon(span.end)), mutants, build)

    def _requirement(self, call: Node) -> None:
        span = _span(call["arguments"][0])
        mutants = [self._mutant(call, f"the requirement is dropped: {self._text(span)}")]
        self._add(span, mutants, lambda _, new: f"({on(mutants[0])} ? true : ({new(span)}))")

    def _mutant(self, node: Node, change: str) -> Mutant:
        line = self._source[: _span(node).start].count(b"\n") + 1
        self._seen[self._function, change] += 1
        occurrence = self._seen[self._function, change]
        mutant = Mutant(self._number, self._file, line, self._function, change, occurrence)
        self._number += 1
        return mutant

    def _add(self, span: Span, mutants: list[Mutant], build: Build) -> None:
        self.sites.append(Site(span, self._order, mutants, build))

    def _text(self, span: Span) -> str:
        return " ".join(self._source[span.start : span.end].decode().split())[:90]

    def _semicolon(self, end: int) -> int:
        return self._source.index(b";", end - 1) + 1


def _descend(node: Node) -> Iterator[Node]:
    yield node
    for _, child in _children(node):
        yield from _descend(child)


def _children(node: Node) -> Iterator[tuple[str, Node]]:
    for name, value in node.items():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict) and "nodeType" in child:
                yield name, child


def _span(node: Node) -> Span:
    start, length, _ = (int(number) for number in node["src"].split(":"))
    return Span(start, start + length)


def _reverts(body: Node) -> bool:
    last = body
    if body["nodeType"] == "Block":
        if not body["statements"]:
            return False
        last = body["statements"][-1]
    if last["nodeType"] == "RevertStatement":
        return True
    called = last.get("expression") or {}
    return bool(called.get("nodeType") == "FunctionCall" and called["expression"].get("name") == "revert")
