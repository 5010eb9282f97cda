"""Amounts in few characters."""

_STEPS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


def size(amount: float | None) -> str:
    """1536 -> '1.5 KiB'; '-' for None."""
    if amount is None:
        return "-"
    for step, unit in _STEPS:
        if amount >= step:
            return f"{amount / step:.1f} {unit}"
    return f"{amount:.0f} B"


def of_limit(used: str, limit: str | None, percent: float | None) -> str:
    """'0.12 of 1 (12 %)'."""
    return used if limit is None or percent is None else f"{used} of {limit} ({percent:.0f} %)"


def milliseconds(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:.0f} ms" if amount >= 10 else f"{amount:.1f} ms"  # noqa: PLR2004 - digits
