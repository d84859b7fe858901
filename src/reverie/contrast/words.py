"""Options of losses in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reverie.report.words import options

if TYPE_CHECKING:
    from reverie.objectives.config import ContrastiveConfig


def setting_words(what: ContrastiveConfig | str) -> str:
    """Return the options that were given to a loss."""
    if isinstance(what, str):
        return ""
    return options(_flat(what.model_dump(mode="json", exclude_unset=True, exclude={"kind"})))


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {above + key: value}
    return found
