"""The part of YAML that a person needs to fill in a form: mappings of text. Everything else is refused.

Aliases, tags and duplicate keys are refused while the events stream by, so nothing is expanded, built or
guessed: a scalar stays the text that was written (`no` is "no", `100.10` is "100.10").
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import yaml

from dlbc.errors import InvalidTask

Tree: TypeAlias = "str | dict[str, Tree]"

MAX_BYTES = 16_384
_MAX_DEPTH = 4
_MAX_EVENTS = 256


def load_plain_yaml(path: Path) -> dict[str, Tree]:
    """The mapping written in a file.

    Raises:
        InvalidTask: with the line, what was found and what to write instead.
    """
    return _parse(_read(path), path.name)


def short(text: str, *, quote: bool = True) -> str:
    """Text from the file for a message: one line, no control characters, not long."""
    clean = "".join(c if c.isprintable() else "�" for c in text[:60]) + ("…" if len(text) > 60 else "")
    return repr(clean) if quote else clean


def _read(path: Path) -> str:
    try:
        # Looked at before it is opened: opening a named pipe waits for a writer, who need never come.
        if path.exists() and not path.is_file():
            raise InvalidTask(path.name, f"is not a regular file; name the task file ({path} was given)")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidTask(path.name, f"cannot be read: {error.strerror or error} ({path})") from error
    if len(raw) > MAX_BYTES:
        raise InvalidTask(path.name, f"is larger than {MAX_BYTES:,} bytes; a task file is a page of text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidTask(path.name, f"is not UTF-8 (byte {error.start}); save it as UTF-8 text") from error


def _parse(text: str, where: str) -> dict[str, Tree]:
    try:
        events = _counted(yaml.parse(text, Loader=yaml.SafeLoader), where)
        for event in events:
            if not isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
                break
        else:  # pragma: no cover - the parser always ends with an event
            raise InvalidTask(where, "is empty")
        if isinstance(event, yaml.StreamEndEvent):
            raise InvalidTask(where, "is empty; see examples/digits/task.yaml for a whole one")
        tree = _node(event, events, where, 0)
        for event in events:
            if not isinstance(event, yaml.DocumentEndEvent | yaml.StreamEndEvent):
                raise InvalidTask(where, f"{_line(event)}holds a second document; remove everything from '---' on")
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InvalidTask(where, f"{line}not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise InvalidTask(where, f"not valid YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(tree, dict):
        raise InvalidTask(where, "is not a list of 'field: value' lines; see examples/digits/task.yaml")
    return tree


def _counted(events: Iterator[yaml.Event], where: str) -> Iterator[yaml.Event]:
    for count, event in enumerate(events):
        if count > _MAX_EVENTS:
            raise InvalidTask(where, "has far more entries than a task has fields")
        yield event


def _node(event: yaml.Event, events: Iterator[yaml.Event], where: str, depth: int) -> Tree:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise InvalidTask(where, f"{_line(event)}anchors (&) and aliases (*) are not allowed; write the value out")
    tag = getattr(event, "tag", None)
    if tag not in {None, "!"}:
        raise InvalidTask(where, f"{_line(event)}the tag {short(str(tag))} is not allowed; write the plain value")
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    if not isinstance(event, yaml.MappingStartEvent):
        raise InvalidTask(where, f"{_line(event)}lists are not used in a task; write 'field: value'")
    if depth >= _MAX_DEPTH:
        raise InvalidTask(where, f"{_line(event)}is nested too deeply")
    tree: dict[str, Tree] = {}
    for key_event in events:
        if isinstance(key_event, yaml.MappingEndEvent):
            break
        key = _node(key_event, events, where, _MAX_DEPTH)
        if not isinstance(key, str):  # pragma: no cover - a deeper mapping was refused above
            raise InvalidTask(where, f"{_line(key_event)}a field's name must be a word")
        if key in tree:
            raise InvalidTask(where, f"{_line(key_event)}{short(key)} is written twice; keep one")
        tree[key] = _node(next(events), events, where, depth + 1)
    return tree


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}: " if event.start_mark else ""
