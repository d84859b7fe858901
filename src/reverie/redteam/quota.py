"""How many different texts are wanted that get through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reverie.files import json_digest
from reverie.redteam.attackers.campaign import squeezed
from reverie.redteam.attempts import Attempt


@dataclass(frozen=True)
class Quota:
    """An attack ends as soon as so many different texts got through.

    Parameters
    ----------
    wanted : int
        Texts.
    known : frozenset of str
        Texts that do not count, as `squeezed` makes them: those of other sets.
    """

    wanted: int
    known: frozenset[str] = frozenset()

    @property
    def facts(self) -> dict[str, Any]:
        """What identifies it."""
        return {"wanted": self.wanted, "known": json_digest({"texts": sorted(self.known)})}

    def choose(self, attempts: Iterable[Attempt]) -> list[Attempt]:
        """Return the first attempt of each text that got through and counts, in the order of calls, as many as are wanted."""
        found: dict[str, Attempt] = {}
        for attempt in attempts:
            if attempt.finding.success and (text := squeezed(attempt.tried.text)) not in self.known:
                found.setdefault(text, attempt)
        return list(found.values())[: self.wanted]
