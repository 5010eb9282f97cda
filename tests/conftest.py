"""For all tests: log lines as they are, since drawn tracebacks of a whole stack take longer than the test."""

import structlog

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)
