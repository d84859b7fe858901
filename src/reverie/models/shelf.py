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
        "mf": _entry(
            "mf", "MF", "one vector per user and per item; histories are folded in", "rendle2009bpr", "learns", "cold-users"
        ),
        "ease": _entry("ease", "EASE", "linear item-to-item model in closed form", "steck2019ease", "counts", "cold-users"),
        "vmis-knn": _entry(
            "vmis_knn", "VMISKNN", "nearest recent sessions, found by an index", "kersbergen2022serenade", "counts", "cold-users"
        ),
        "gru4rec": _entry(
            "gru4rec", "GRU4Rec", "recurrent network, every position trained", "hidasi2016gru4rec", "learns", "cold-users"
        ),
        "caser": _entry(
            "caser", "Caser", "convolutions over the last items, every position trained", "tang2018caser", "learns", "cold-users"
        ),
    },
    group="reverie.models",
)
