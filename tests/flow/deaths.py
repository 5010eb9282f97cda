"""A worker that dies at a chosen step: nothing after it runs, no claim is released, its process is gone."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from slipyard.pipeline.context import Context
from slipyard.store.claims import Holder
from tests.flow.system import System

GONE = 2**22 + 1  # above the kernel's largest process number


class Killed(BaseException):
    """No `except Exception` survives it, as nothing survives SIGKILL."""


class Mortal:
    """Stands before an engine of a Context; the call named `at` kills, before or after it took effect."""

    def __init__(self, inner: Any, at: str, *, after: bool) -> None:
        self._inner, self._at, self._after = inner, at, after

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return self._deadly(value) if name == self._at else value

    def _deadly(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def deadly(*arguments: Any, **options: Any) -> Any:
            if self._after:
                await call(*arguments, **options)
            raise Killed

        return deadly


def doomed_context(system: System, part: str, call: str, *, after: bool) -> Context:
    """A worker's context whose `part` (git, image_builder, driver, router) kills it at `call`."""
    context = system.new_context()
    holder = Holder(context.holder.host, GONE, "0")
    return replace(context, holder=holder, **{part: Mortal(getattr(context, part), call, after=after)})
