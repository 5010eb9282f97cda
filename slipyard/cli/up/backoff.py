"""How long a child that died waits before it comes back."""

from dataclasses import dataclass

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0
LIVED_WELL_SECONDS = 30.0


@dataclass
class Backoff:
    _next: float = FIRST_SECONDS

    def after(self, lived: float) -> float:
        """Seconds to wait for a child that lived `lived` seconds: doubles from death to death, unless it lived well."""
        if lived >= LIVED_WELL_SECONDS:
            self._next = FIRST_SECONDS
        wait, self._next = self._next, min(self._next * 2, LONGEST_SECONDS)
        return wait
