"""`slipyard apps protect`: approvals and freeze windows of an app."""

import re
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import print_json

_WINDOW = re.compile(r"(?P<days>[a-z,-]+) (?P<begins>\d\d:\d\d)-(?P<ends>\d\d:\d\d)(?: (?P<reason>.+))?")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NONE = "none"


def protect(
    name: AppArgument = None,
    *,
    approval: Annotated[bool | None, typer.Option(help="Whether somebody else must approve deployments.")] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option("--freeze", metavar="WINDOW", help='As "mon-thu,sat 16:00-08:00 Nights", UTC; none for none.'),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say when deployments wait: for approval, and in weekly windows. --freeze replaces all windows."""
    body: dict[str, Any] = {} if approval is None else {"protected": approval}
    if freeze:
        body["freeze"] = [] if freeze == [_NONE] else [_window(text) for text in freeze]
    if not body:
        raise WrongUsage("Nothing to change was named. `slipyard apps protect --help` lists what can be.")
    changed = connect().patch(f"/apps/{segment(app_or_fail(name))}", body)
    if as_json:
        print_json(changed)
    else:
        word = "wait for approval" if changed["protected"] else "need no approval"
        windows = f"{count} freeze window(s)" if (count := len(changed["freeze"])) else "no freeze windows"
        print(f"Deployments of {changed['slug']} {word}; {windows}.")


def _window(text: str) -> dict[str, Any]:
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise WrongUsage(
            f'{text!r} is no window. Write days, times in UTC and a reason: "fri,sat 16:00-08:00 Weekend".'
        )
    given = found.groupdict(default="")
    return {**given, "days": [day for word in given["days"].split(",") for day in _days(word)]}


def _days(word: str) -> list[str]:
    """ "fri-mon" -> fri, sat, sun, mon; what is no day goes as it is, and is refused with the list of those that are."""
    first, _, last = word.partition("-")
    if first not in _DAYS or last not in _DAYS:
        return [word]
    begin, days = _DAYS.index(first), (_DAYS.index(last) - _DAYS.index(first)) % len(_DAYS) + 1
    return [_DAYS[(begin + day) % len(_DAYS)] for day in range(days)]
