"""Options of losses in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reverie.report.words import options

if TYPE_CHECKING:
    from reverie.objectives.contrastive_config import ContrastiveConfig


def setting_words(what: ContrastiveConfig | str) -> str:
    """Return the options that were given to a loss.

    Parameters
    ----------
    what : ContrastiveConfig or str
        A loss, or the name of a baseline.

    Returns
    -------
    str
        E.g. ``"temperature=0.1, mu=0.7, sigma=1"``; dotted names inside a rule for the temperature; empty for a baseline.
    """
    if isinstance(what, str):
        return ""
    return options(_flat(what.model_dump(mode="json", exclude_unset=True, exclude={"kind"})))


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {above + key: value}
    return found
