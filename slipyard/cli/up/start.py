"""`slipyard up` after the command line: in an interpreter that has nothing of it loaded."""

import sys

from slipyard.cli.up.daemon import daemonise
from slipyard.cli.up.report import Report
from slipyard.cli.up.run import up
from slipyard.domain.layout import Layout
from slipyard.domain.settings import read_settings


def main(*options: str) -> None:
    """Settings come from the environment. Ends with the exit code of `up`."""
    settings = read_settings()
    log = Layout(settings.home).logs / "slipyard.log"
    if "--detach" in options:
        sys.exit(daemonise(lambda report: up(settings, report, log), log))
    sys.exit(up(settings, Report(), None))
