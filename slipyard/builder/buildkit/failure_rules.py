"""Sentences of the daemon -> sentences of ours, first match wins. In braces: the pattern's groups and `Failure.words`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from slipyard.domain.errors import BuildFailed, SlipyardError, Unavailable


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    fault: type[BuildFailed] | type[Unavailable]
    sentence: str

    def error(self, words: dict[str, str], tail: Sequence[str]) -> SlipyardError:
        message = self.sentence.format_map(words)
        return BuildFailed(message, log_tail=tail) if self.fault is BuildFailed else Unavailable(message)


def users(pattern: str, sentence: str) -> Rule:
    return Rule(re.compile(pattern, re.DOTALL), BuildFailed, sentence)


def builders(pattern: str, sentence: str) -> Rule:
    return Rule(re.compile(pattern, re.DOTALL), Unavailable, sentence)


RAN = r"(?:executor failed running|did not complete successfully).*exit code: "

RULES = (
    users(
        RAN + r"137$",
        "{place}: {instruction} was killed (exit code 137). Most often it wanted more memory than the build may use: "
        "let it use less, or raise the builder's memory.",
    ),
    users(
        RAN + r"(?P<code>\d+)$",
        "{place}: {instruction} failed with exit code {code}. The last lines of its output say why; "
        "correct it and build again.",
    ),
    builders(
        r"no space left on device",
        "The builder's disk is full: {message}. Free space on the builder's machine or prune its cache; "
        "the build can then be tried again.",
    ),
    builders(
        r"no active session|session healthcheck failed|session \S+ (?:not found|already exists)",
        "The builder lost the connection over which it reads the build: {message}. The build can be tried again.",
    ),
    users(
        r"dockerfile parse error on line (?P<line>\d+): (?P<reason>.*)",
        "{file}:{line} is not valid: {reason}. Correct this line and build again.",
    ),
    users(
        r"dockerfile parse error line (?P<line>\d+): (?P<reason>.*)",
        "{file}:{line} is not valid: {reason}. Correct this line and build again.{heredoc}",
    ),
    users(
        r"(?:target stage|failed to reach build target) \"?(?P<stage>[^\s\"]+)",
        "{file} has no stage named {stage!r}. Add `FROM ... AS {stage}`, or name another target.",
    ),
    users(
        r"file with no instructions|the Dockerfile cannot be empty|dockerfile is empty",
        "{file} is empty. Write at least a FROM line.",
    ),
    users(
        r"no build stage in current context",
        "{place} has an instruction before the first FROM. Begin the Dockerfile with a FROM line.",
    ),
    users(
        r"secret (?P<secret>\S+?)(?:: not found| not found)",
        "{place}: {instruction} needs the build secret {secret!r}, which is not set. Set it for this app and build again.",
    ),
    users(
        r"\"(?P<path>/[^\"]*)\":? not found",
        "{place}: {instruction} needs {path!r}, which is not in what is built. Add it to the source, correct the path, "
        "or take its line out of .dockerignore.",
    ),
)

IMAGE_RULES = (
    users(
        r"no such host",
        "{place}: the image {image} cannot be had: its registry's name does not resolve ({message}). "
        "Correct the image's name, define a stage of that name above, or give the builder a way to that registry.",
    ),
    builders(
        r"connection refused|timeout|timed out|deadline exceeded|connection reset|\bEOF\b|server misbehaving|unreachable"
        r"|no route to host|certificate|TLS|toomanyrequests|\b(?:429|50\d) [A-Z]",
        "The registry of the image {image} does not answer as it should: {message}. "
        "The build can be tried again; check that the builder reaches that registry.",
    ),
    users(
        r"(?i:unauthorized|forbidden|denied|authorization)",
        "{place}: the registry does not give out the image {image}: it does not exist or needs a login. "
        "Correct the name, or store credentials for that registry.",
    ),
    users(
        r"no match for platform|no matching manifest",
        "{place}: the image {image} does not exist for this platform: {message}. Choose another image or platform.",
    ),
    users(
        r"not found",
        "{place}: the image {image} does not exist. Correct its name and tag; a stage of this file must be defined "
        "above the line that uses it.",
    ),
)

PUSH_RULES = (
    builders(
        r"(?i:unauthorized|forbidden|denied|authorization|no basic auth)",
        "The registry refused to take {reference}: {message}. Check the credentials that Slipyard has for it.",
    ),
    builders(
        r"",
        "The image was built and {reference} could not be stored: {message}. "
        "Check the registry; the build can be tried again.",
    ),
)
