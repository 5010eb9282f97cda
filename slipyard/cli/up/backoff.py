"""How long a child that died waits before it comes back."""

from dataclasses import dataclass

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0
LIVED_WELL_SECONDS = 30.0


@dataclass
class Backoff:
    _next: float = 0.0

    def after(self, lived: float) -> float:
        """Seconds to wait for a child that lived `lived` seconds: none after its first death, or where it had lived well;
        then it doubles from death to death."""
        if lived >= LIVED_WELL_SECONDS:
            self._next = 0.0
        wait, self._next = self._next, min(max(self._next * 2, FIRST_SECONDS), LONGEST_SECONDS)
        return wait
