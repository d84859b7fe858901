"""Whether the rows of a clip world that must be blind to motion find no more new clips than what is blind can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reverie.content.results import blind_rates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverie.content.summary import Summary


def is_blind(options: Mapping[str, Any]) -> bool:
    """Whether an encoder sees one frame of a clip, or the clip of another item."""
    return options.get("kind") == "video" and (options.get("frames") == 1 or options.get("control") == "shuffled")


def blind_sentences(summary: Summary, data: str) -> Iterator[str]:
    """Yield for each row of a clip world that must be blind whether it finds no more new clips than what is blind can."""
    cold = summary.truth(data, "nothing", "target:cold")
    if cold is None:
        return
    chance, most = blind_rates(summary.opened[data].split, cold, 10)
    for row in summary.rows(data):
        if not row.encoder or row.drop or not is_blind(summary.recipe.encoders[row.encoder].set):
            continue
        found = summary.metrics(row, "target:cold")["recall@10"]
        low = found["low"] or 0.0
        verdict = "as it must be" if low <= most else "more than it can be, so something but motion tells these clips apart"
        yield (
            f"On {data}, {row.said} has recall@10 {found['value']:.4f} on new clips, its interval from {low:.4f}; chance is "
            f"{chance:.4f}, and the most without motion and sound {most:.4f}: {verdict}."
        )
