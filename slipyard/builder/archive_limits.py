"""How much an archive may hold. Every cap is checked while the bytes pass, never after."""

from dataclasses import dataclass

from slipyard.domain.errors import SourceRefused, TooLarge

_MIB = 1024 * 1024
_EXPANSION_FREE = 64 * _MIB  # small archives of one repeated line compress very well and harm nobody


@dataclass(frozen=True)
class ArchiveLimits:
    """Bytes as packed and unpacked; `expansion` is unpacked for each packed byte; names in bytes of UTF-8."""

    packed_bytes: int = 1024 * _MIB
    unpacked_bytes: int = 4096 * _MIB
    expansion: int = 200
    entries: int = 200_000
    depth: int = 64
    path_bytes: int = 1024
    name_bytes: int = 255
    seconds: float = 600.0

    def check_packed(self, amount: int) -> None:
        if amount > self.packed_bytes:
            raise TooLarge(
                f"The archive has more than {self.packed_bytes} bytes. Leave out what the build does not need."
            )

    def check_unpacked(self, amount: int, packed: int) -> None:
        if amount > self.unpacked_bytes:
            raise TooLarge(
                f"The archive unpacks to more than {self.unpacked_bytes} bytes. Leave out what is not needed."
            )
        if amount > _EXPANSION_FREE and amount > packed * self.expansion:
            raise TooLarge(f"The archive expands more than {self.expansion} times, like a bomb. Pack real files.")

    def check_entries(self, count: int) -> None:
        if count > self.entries:
            raise TooLarge(f"The archive has more than {self.entries} entries. Leave out what the build does not need.")

    def check_path(self, path: str, parts: list[str]) -> None:
        if len(parts) > self.depth:
            raise SourceRefused(f"{path[:200]!r} lies more than {self.depth} directories deep.")
        if len(path.encode()) > self.path_bytes or any(len(part.encode()) > self.name_bytes for part in parts):
            raise SourceRefused(
                f"{path[:200]!r} is too long: {self.path_bytes} bytes for a path, {self.name_bytes} for a name."
            )
