"""Labels as the engine's filters take them."""

from collections.abc import Mapping


def label_filter(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in labels.items()]
