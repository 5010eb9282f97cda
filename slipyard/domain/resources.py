"""Amounts as people write them: cpu "500m" or "2", memory "512Mi" or "1Gi"."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from slipyard.domain.values import Value

MIB = 1024 * 1024
_CPU = re.compile(r"(?P<milli>[0-9]{1,6})m|(?P<cores>[0-9]{1,3}(?:\.[0-9]{1,3})?)")
_MEMORY = re.compile(r"(?P<amount>[0-9]{1,9})(?P<unit>Ki|Mi|Gi|k|M|G)?")
_UNITS = {None: 1, "k": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": MIB, "Gi": 1024 * MIB}
_MINIMUM_MEMORY, _MAXIMUM_MEMORY = 64 * MIB, 16384 * MIB
_MAXIMUM_MILLICORES = 8000


def millicores(text: str) -> int:
    found = _CPU.fullmatch(text)
    amount = 0 if not found else int(found["milli"]) if found["milli"] else round(float(found["cores"]) * 1000)
    if not 1 <= amount <= _MAXIMUM_MILLICORES:
        raise ValueError('cpu is an amount of cores between "1m" and "8", for example "500m" or "2"')
    return amount


def memory_bytes(text: str) -> int:
    found = _MEMORY.fullmatch(text)
    amount = int(found["amount"]) * _UNITS[found["unit"]] if found else 0
    if not _MINIMUM_MEMORY <= amount <= _MAXIMUM_MEMORY:
        raise ValueError('memory is an amount between "64Mi" and "16384Mi", for example "512Mi" or "1Gi"')
    return amount


def _cpu_text(given: Any) -> Any:
    """Numbers are cores, as the small platforms write them."""
    text = f"{given:g}" if isinstance(given, (int, float)) and not isinstance(given, bool) else given
    if isinstance(text, str):
        millicores(text)
    return text


def _memory_text(given: Any) -> Any:
    """Numbers are MiB, as the small platforms write them."""
    text = f"{given}Mi" if isinstance(given, int) and not isinstance(given, bool) else given
    if isinstance(text, str):
        memory_bytes(text)
    return text


class Resources(Value):
    cpu: Annotated[str, BeforeValidator(_cpu_text)] = Field("1", description="Cores: 500m, 2", examples=["500m"])
    memory: Annotated[str, BeforeValidator(_memory_text)] = Field(
        "512Mi", description="64Mi to 16384Mi", examples=["512Mi"]
    )

    processes: int = Field(4096, ge=16, le=32768, description="Processes and threads of an instance together")

    @property
    def millicores(self) -> int:
        return millicores(self.cpu)

    @property
    def memory_bytes(self) -> int:
        return memory_bytes(self.memory)
