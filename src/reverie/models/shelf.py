"""The shelf of registered models; listing it imports neither torch nor any model."""

from __future__ import annotations

from reverie.registry import Entry, Registry


def _entry(name: str, class_name: str, summary: str, paper: str, *tags: str) -> Entry:
    return Entry(
        build=f"reverie.models.{name}.model:build",
        config=f"reverie.models.{name}.config:{class_name}Config",
        summary=summary,
        paper=paper,
        tags=frozenset(tags),
    )


MODELS = Registry(
    "model",
    {
        "popularity": _entry("popularity", "Popularity", "the same list for everybody: most frequent first", "", "counts"),
        "recent-popularity": _entry(
            "recent_popularity",
            "RecentPopularity",
            "popularity that fades, half-life by validation",
            "",
            "counts",
            "needs-time",
        ),
        "markov": _entry("markov", "Markov", "first-order transitions, backed by popularity", "", "counts"),
        "co-occurrence": _entry("co_occurrence", "CoOccurrence", "decayed, two-sided co-occurrence within a window", "", "counts"),
        "item-knn": _entry("item_knn", "ItemKNN", "cosine neighbours of the items in the history", "sarwar2001itemknn", "counts"),
        "sasrec": _entry("sasrec", "SASRec", "causal transformer, every position trained", "kang2018sasrec", "learns"),
    },
    group="reverie.models",
)
