"""Errors of commands: a sentence on standard error, and an exit code of the table."""

from collections.abc import Sequence

from slipyard.cli.exit_codes import ExitCode


class CommandError(Exception):
    exit_code = ExitCode.FAILED
    code = "failed"

    def __init__(self, message: str, details: Sequence[str] = (), *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.code = code or type(self).code


class Failed(CommandError):
    """It was tried, and it did not work out."""


class WrongUsage(CommandError):
    exit_code = ExitCode.USAGE
    code = "usage"


class Refused(CommandError):
    exit_code = ExitCode.REFUSED
    code = "refused"


class Unreachable(CommandError):
    exit_code = ExitCode.UNREACHABLE
    code = "unreachable"


class ServerFault(CommandError):
    exit_code = ExitCode.SERVER_FAULT
    code = "internal"
