"""What the exit code of every command means. Scripts may trust this table; it is part of the documentation.

| code | meaning                                                                   |
|------|---------------------------------------------------------------------------|
| 0    | done                                                                      |
| 1    | it was tried and failed: the build, the deployment, a check of `doctor`   |
| 2    | the command line is wrong                                                 |
| 3    | Slipyard refused: not found, no permission, a conflict, a bad value       |
| 4    | Slipyard cannot be reached, or no server is known                         |
| 5    | Slipyard made a mistake (HTTP 5xx); trying again may help                 |
| 130  | interrupted by Ctrl-C; what was started goes on                           |
"""

from enum import IntEnum


class ExitCode(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4
    SERVER_FAULT = 5
    INTERRUPTED = 130
