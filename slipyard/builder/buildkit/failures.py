"""The daemon's error as ours: whose fault it is, what happened, where in the Dockerfile, and what to do next.

The daemon says these things in sentences, which differ between versions; the patterns hold for Engine 20.10 up to
buildkitd 0.34. An error that no rule knows is the build's own where a place or a step is known, and the builder's
otherwise.
"""

import re
from dataclasses import dataclass

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from slipyard.builder.buildkit.failure_details import FailureDetails
from slipyard.builder.buildkit.failure_rules import IMAGE_RULES, PUSH_RULES, RULES, Rule
from slipyard.builder.buildkit.progress_watch import ProgressWatch
from slipyard.builder.image_build import ImageBuild, Step
from slipyard.domain.errors import BuildFailed, SlipyardError, Unavailable

# The daemon's own frames around what happened.
FRAMES = re.compile(
    r"^(failed to solve( with frontend \S+)?: |failed to create LLB definition: |failed to (compute|load) cache key: "
    r"|(\S+: )?failed to resolve source metadata for \S+: )+"
)
# Engine 20.10 gives no place, but says that it was still reading the Dockerfile.
READING = "failed to create LLB definition: "
IMAGE_STEP = re.compile(r"(?:load metadata for|FROM) (\S+)")
BUILDERS_FAULT = {
    Status.UNAVAILABLE,
    Status.CANCELLED,
    Status.DEADLINE_EXCEEDED,
    Status.RESOURCE_EXHAUSTED,
    Status.INTERNAL,
    Status.UNIMPLEMENTED,
    Status.UNAUTHENTICATED,
    Status.PERMISSION_DENIED,
}
INSTRUCTION_LENGTH = 160
HEREDOC = re.compile(r"^\s*(?:RUN|COPY|ADD)\b.*<<", re.IGNORECASE | re.MULTILINE)
HEREDOC_HINT = " A heredoc (<<) needs Docker Engine 23 or newer, or a standalone buildkitd."


def explain(error: Exception, watch: ProgressWatch, build: ImageBuild, address: str, text: str = "") -> SlipyardError:
    """`BuildFailed` for the user's fault, `Unavailable` for the builder's. `text` is the Dockerfile's."""
    if not isinstance(error, GRPCError):
        return connection_lost(address, str(error))
    if error.status in BUILDERS_FAULT:
        return connection_lost(address, f"{error.status.name.lower()}: {error.message}")
    failure = Failure.of(error, watch, build, text)
    for rule in failure.rules():
        if found := rule.pattern.search(failure.without_names):
            return rule.error(failure.words(found), failure.tail)
    return failure.unknown(address)


def connection_lost(address: str, reason: str) -> Unavailable:
    return Unavailable(
        f"The connection to BuildKit at {address} ended during the build: {reason}. "
        "Nothing is wrong with the source; the build can be tried again once the daemon is well."
    )


def session_lost(address: str) -> Unavailable:
    return connection_lost(address, "the daemon dropped the session")


@dataclass(frozen=True)
class Failure:
    message: str
    reading: bool
    details: FailureDetails
    step: Step | None
    tail: list[str]
    build: ImageBuild
    text: str

    @classmethod
    def of(cls, error: GRPCError, watch: ProgressWatch, build: ImageBuild, text: str) -> "Failure":
        details = error.details if isinstance(error.details, FailureDetails) else FailureDetails()
        step = watch.failed_step(details.step)
        said = error.message or "no reason given"
        return cls(FRAMES.sub("", said), READING in said, details, step, watch.tail(step), build, text)

    @property
    def without_names(self) -> str:
        """What users named themselves must not look like a reason: an image may be called `timeout`."""
        message = self.message.replace(self.build.reference, "IMAGE")
        return message.replace(self._image, "IMAGE") if self._image else message

    def rules(self) -> tuple[Rule, ...]:
        if self._image:
            return (*RULES, *IMAGE_RULES)
        if self.step and self.step.name.startswith(("exporting", "pushing")):
            return (*RULES, *PUSH_RULES)
        return RULES

    def words(self, found: re.Match[str]) -> dict[str, str]:
        """What the sentences of the rules may use."""
        return {
            "file": self._file,
            "place": self._place,
            "instruction": self._instruction,
            "image": self._image,
            "reference": self.build.reference,
            "message": self.message,
            "heredoc": self._heredoc(found),
            **{name: value for name, value in found.groupdict().items() if value is not None},
        }

    def _heredoc(self, found: re.Match[str]) -> str:
        """An old parser stumbles over what a heredoc holds, so the heredoc begins above the line that it names."""
        line = found.groupdict().get("line")
        above = self.text.splitlines()[: int(line)] if line else []
        return HEREDOC_HINT if HEREDOC.search("\n".join(above)) else ""

    def unknown(self, address: str) -> SlipyardError:
        if self.step or self.details.file or self.reading:
            return BuildFailed(
                f"{self._place}: {self.message}. Correct the Dockerfile or what it names, and build again.",
                log_tail=self.tail,
            )
        return Unavailable(f"BuildKit at {address} refused the build: {self.message}. Look into the daemon's log.")

    @property
    def _file(self) -> str:
        return self.details.file or (self.build.dockerfile.path if self.build.dockerfile.text is None else "Dockerfile")

    @property
    def _place(self) -> str:
        return self.details.place or self._file

    @property
    def _instruction(self) -> str:
        instruction = self.step.name.rpartition("] ")[2] if self.step and self.step.name.startswith("[") else ""
        short = instruction[:INSTRUCTION_LENGTH]
        return f"{short}..." if len(instruction) > INSTRUCTION_LENGTH else short or "a step"

    @property
    def _image(self) -> str:
        found = IMAGE_STEP.search(self.step.name) if self.step else None
        return found[1] if found else ""
