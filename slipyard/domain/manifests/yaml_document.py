"""A YAML file of somebody's repository: plain values, and the line of each, so that a refusal can name it.

YAML 1.2 without tags of its own. Anchors, aliases and merge keys mean what they mean elsewhere, up to a size: an alias
of aliases of aliases is refused before it fills the memory. The library's nodes are read rather than its values,
because only they know their lines and say that a key stands twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from slipyard.domain.errors import SourceRefused

Path = tuple[str | int, ...]

MOST_BYTES = 256 * 1024
_MOST_NODES = 20_000
_MOST_DEPTH = 40
_MOST_BRACKETS = 200  # open at once, those in texts too
_BRACKET = re.compile(r"[\[\]{}]")
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_WORDS = {f"{_TAG}null", f"{_TAG}bool", f"{_TAG}int", f"{_TAG}float"}
_TEXTS = {f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}value"}
_PLAIN = {*_WORDS, *_TEXTS, _MERGE, f"{_TAG}map", f"{_TAG}seq"}


@dataclass(frozen=True)
class Document:
    """`value` holds dicts with text keys, lists, texts, numbers, booleans and None.

    `numbers` are numbers and booleans as they were written: a version 1.10 is not 1.1.
    """

    file: str
    value: Any
    lines: dict[Path, int] = field(default_factory=dict, repr=False)
    numbers: dict[Path, str] = field(default_factory=dict, repr=False)

    def line(self, path: Path) -> int:
        """Of what lies there, else of what it would lie in."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def text(self, path: Path, value: object) -> str:
        """A scalar as it was written."""
        return value if isinstance(value, str) else self.numbers.get(path, str(value))

    def refusal(self, path: Path, sentence: str) -> SourceRefused:
        return SourceRefused(f"{self.file} line {self.line(path)}: {sentence}")


def read_yaml(file: str, text: str) -> Document:
    """`SourceRefused` with the line for what is no YAML, has tags, a key twice, or is larger than anybody writes."""
    if len(text.encode()) > MOST_BYTES:
        raise SourceRefused(f"{file} has more than {MOST_BYTES // 1024} KiB. Write what the app is in less.")
    _check_depth(file, text)
    reading = _Reading(file)
    root = _compose(file, text)
    value = None if root is None else reading.value(root, (), 0)
    return Document(file, value, reading.lines, reading.numbers)


def _check_depth(file: str, text: str) -> None:
    """The library looks ahead from each bracket to the next ones: many of them cost seconds."""
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > _MOST_BRACKETS:
            raise SourceRefused(f"{file} is nested deeper than anybody writes. Make it flatter.")


def _compose(file: str, text: str) -> Node | None:
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except RecursionError as error:
        raise SourceRefused(f"{file} is nested deeper than anybody writes. Make it flatter.") from error
    except (YAMLError, ValueError) as error:
        raise SourceRefused(_no_yaml(file, error)) from error
    return root


def _no_yaml(file: str, error: Exception) -> str:
    mark = (error.problem_mark or error.context_mark) if isinstance(error, MarkedYAMLError) else None
    problem = (error.problem if isinstance(error, MarkedYAMLError) else None) or str(error).splitlines()[0]
    where = f" line {mark.line + 1}" if mark is not None else ""
    return f"{file}{where}: this is no valid YAML: {problem}. Look at the indentation and the quotes there."


@dataclass
class _Reading:
    file: str
    lines: dict[Path, int] = field(default_factory=dict)
    numbers: dict[Path, str] = field(default_factory=dict)
    nodes: int = 0

    def value(self, node: Node, path: Path, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > _MOST_NODES or depth > _MOST_DEPTH:
            raise self._refused(node, "with its aliases it is larger than anybody writes. Write it out, in less.")
        self.lines.setdefault(path, node.start_mark.line + 1)
        tag = str(node.tag)
        if tag not in _PLAIN:
            raise self._refused(node, f"the tag {tag.removeprefix(_TAG)[:60]!r} means nothing here. Leave it out.")
        if isinstance(node, ScalarNode):
            if tag in _WORDS:
                self.numbers.setdefault(path, node.value)
            return _scalar(tag, node.value)
        if isinstance(node, SequenceNode):
            return [self.value(child, (*path, place), depth + 1) for place, child in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return self._mapping(node, path, depth)
        raise self._refused(node, "this is neither a mapping nor a list nor a value.")

    def _mapping(self, node: MappingNode, path: Path, depth: int) -> dict[str, Any]:
        """Of two merged mappings the first one counts, and what stands here counts before both."""
        own: dict[str, Any] = {}
        for key, (line, child) in self._pairs(node).items():
            self.lines.setdefault((*path, key), line)
            own[key] = self.value(child, (*path, key), depth + 1)
        merged: dict[str, Any] = {}
        for key_node, child in node.value:
            if str(key_node.tag) == _MERGE:
                for each in self._merged(child, path, depth):
                    merged = each | merged
        return merged | own

    def _pairs(self, node: MappingNode) -> dict[str, tuple[int, Node]]:
        """Without merges."""
        pairs: dict[str, tuple[int, Node]] = {}
        for key_node, child in node.value:
            if str(key_node.tag) == _MERGE:
                continue
            if not isinstance(key_node, ScalarNode):
                raise self._refused(key_node, "a key is a text here.")
            key = str(key_node.value)
            if key in pairs:
                raise self._refused(key_node, f"{key[:80]!r} stands here twice. Keep one of them.")
            pairs[key] = (key_node.start_mark.line + 1, child)
        return pairs

    def _merged(self, node: Node, path: Path, depth: int) -> Iterator[dict[str, Any]]:
        children = node.value if isinstance(node, SequenceNode) else [node]
        for child in children:
            if not isinstance(child, MappingNode):
                raise self._refused(node, "`<<` merges a mapping, or a list of them.")
            yield self.value(child, path, depth + 1)

    def _refused(self, node: Node, sentence: str) -> SourceRefused:
        return SourceRefused(f"{self.file} line {node.start_mark.line + 1}: {sentence}")


def _scalar(tag: str, text: str) -> Any:
    """What is neither a number nor a word of YAML's own is a text, dates too."""
    if tag == f"{_TAG}null":
        return None
    if tag == f"{_TAG}bool":
        return text.lower() == "true"
    if tag not in _WORDS:
        return text
    kind = partial(int, base=0) if tag == f"{_TAG}int" else float
    try:
        return kind(text.replace("_", ""))
    except ValueError:
        return _odd_number(tag, text)


def _odd_number(tag: str, text: str) -> Any:
    """Zeros before an integer count in tens, as in YAML 1.2; infinities and what else Python writes otherwise are texts."""
    try:
        return int(text) if tag == f"{_TAG}int" else text
    except ValueError:
        return text
