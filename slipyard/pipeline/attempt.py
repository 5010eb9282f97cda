"""One attempt of one worker at a build or a deployment: it ends in one outcome, or gives the row back for the next."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from slipyard.domain.errors import DiskFull, LeaseLost, SlipyardError, SystemFault, UserError
from slipyard.pipeline.context import Context
from slipyard.pipeline.hold_claim import CancelRequested, ParkRequested, under_claim
from slipyard.pipeline.stopwatch import Stopwatch
from slipyard.pipeline.trace import Trace
from slipyard.store import claims
from slipyard.store.claims import Claim
from slipyard.store.tables import Deployment

MOST_ATTEMPTS = 4
_FULL_SECONDS = 1.0
_log = structlog.get_logger()


@dataclass(frozen=True)
class Attempt:
    context: Context
    claim: Claim
    stopwatch: Stopwatch
    trace: Trace

    @property
    def number(self) -> int:
        return self.claim.attempt


@dataclass(frozen=True)
class Endings:
    """How what is attempted ends where it does not succeed."""

    fail: Callable[[Attempt, SlipyardError], Awaitable[None]]
    cancel: Callable[[Attempt, str], Awaitable[None]]


def new_attempt(context: Context, claim: Claim, log: Path) -> Attempt:
    return Attempt(context, claim, Stopwatch(context.clock), Trace(log))


async def take(context: Context, claim: Callable[[Session], Claim | None]) -> Claim | None:
    """None where it is not this worker's: also where another took the app's turn in the same moment."""
    try:
        return await context.database.writing(claim)
    except IntegrityError:
        return None


async def carry_out(attempt: Attempt, work: Coroutine[None, None, None], endings: Endings) -> None:
    """`work` succeeds by its own last transaction. The user's faults end it, ours are tried again a few times."""
    try:
        await _attempt(attempt, work, endings)
    except Exception:  # noqa: BLE001 - the row must not stay with a process that no longer works on it
        _log.exception("attempt_could_not_end", row=attempt.claim.id)
        await _give_back_once_possible(attempt)


async def _attempt(attempt: Attempt, work: Coroutine[None, None, None], endings: Endings) -> None:
    log = _log.bind(row=attempt.claim.id, attempt=attempt.number)
    log.info("attempt_started")
    try:
        await under_claim(attempt.context, attempt.claim, work)
    except LeaseLost as error:
        log.warning("lease_lost", reason=error.message)
        await _give_back_once_possible(attempt)  # of another's claim nothing changes
    except ParkRequested as request:
        await _park(attempt, request)
    except CancelRequested as request:
        await endings.cancel(attempt, str(request))
    except asyncio.CancelledError:
        await _give_back(attempt)
        raise
    except UserError as error:
        await endings.fail(attempt, error)
    except SystemFault as fault:
        log.warning("attempt_failed", error=fault.message)
        await _retry_or_fail(attempt, fault, endings)
    except Exception as error:
        log.exception("attempt_broke")
        await _retry_or_fail(attempt, SystemFault(f"Slipyard broke: {type(error).__name__}: {error}."), endings)


async def begin(attempt: Attempt, cancel_reason: str | None) -> None:
    """Before anything else: was it cancelled meanwhile, and does it kill every worker that touches it?"""
    if cancel_reason is not None:
        raise CancelRequested(cancel_reason)
    if attempt.number > MOST_ATTEMPTS:
        raise UserError(f"Given up: {attempt.number - 1} attempts ended with their worker. The log above says how far.")
    if attempt.number > 1:
        await attempt.trace.say(f"Attempt {attempt.number}: taking up what the attempt before left.")


def sentence_of(error: SlipyardError) -> str:
    """Ours and the user's failures never look alike."""
    return error.message if isinstance(error, UserError) else f"{error.message} This is not the fault of your code."


async def _retry_or_fail(attempt: Attempt, fault: SystemFault, endings: Endings) -> None:
    if attempt.number >= MOST_ATTEMPTS:
        await endings.fail(attempt, fault)
        return
    await attempt.trace.say(f"{fault.message} Trying again.")
    await _give_back(attempt)


async def _park(attempt: Attempt, request: ParkRequested) -> None:
    """Its time so far is kept: a later attempt has a stopwatch of its own."""

    def park(session: Session) -> None:
        claims.park(session, attempt.claim, request.waits_for, request.until)
        row = session.get_one(Deployment, attempt.claim.id)
        row.spans = [*row.spans, *attempt.stopwatch.spans]
        session.add(row)

    await attempt.context.database.writing(park)


async def _give_back_once_possible(attempt: Attempt) -> None:
    """On a full disk that is when there is room: until then the row says who worked on it last."""
    while True:
        try:
            await _give_back(attempt)
        except DiskFull:
            await attempt.context.clock.sleep(_FULL_SECONDS)
        else:
            return


async def _give_back(attempt: Attempt) -> None:
    """The controller wakes it again."""
    await attempt.context.database.writing(lambda session: claims.release(session, attempt.claim))
