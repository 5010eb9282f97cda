"""A name and a secret for one host. The secret never shows in a repr, a log or an argument list."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credentials:
    username: str
    password: str = field(repr=False)
