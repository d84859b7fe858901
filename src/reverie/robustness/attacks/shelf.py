"""The registry of attacks by name; listing it imports neither torch nor any attack."""

from __future__ import annotations

from reverie.registry import Entry, Registry

_FAMILY = "reverie.robustness.attacks"


def _entry(module: str, name: str, summary: str, paper: str = "") -> Entry:
    config = "".join(word.capitalize() for word in name.split("_"))
    return Entry(f"{_FAMILY}.{module}:build_{name}", f"{_FAMILY}.config:{config}Config", summary, paper)


ATTACKS = Registry(
    "attack",
    {
        "null": _entry("simple", "null", "nothing is injected, the victim is only fitted again: the control of all others"),
        "target-only": _entry("simple", "target_only", "fake users rate their target and nothing else"),
        "random": _entry("simple", "random", "any items, rated around the mean of all ratings", "lam2004shilling"),
        "average": _entry("simple", "average", "any items, rated around their own means", "lam2004shilling"),
        "bandwagon": _entry("simple", "bandwagon", "the most popular items beside the target, all rated highest", "mobasher2007"),
        "reverse-bandwagon": _entry(
            "simple", "reverse_bandwagon", "the least popular items rated lowest beside a target to demote", "mobasher2007"
        ),
        "love-hate": _entry("simple", "love_hate", "a target to demote rated lowest, any other items highest", "mobasher2007"),
        "segment": _entry("simple", "segment", "items liked together with the target rated highest, others lowest", "mobasher2007"),
        "aush": _entry("aush", "aush", "selected items rated by a generator that fools a discriminator", "lin2020aush"),
        "aia": _entry("aia", "aia", "ratings of copied profiles follow the gradient of a surrogate", "tang2020revadv"),
        "legup": _entry("legup", "legup", "a generator of ratings taught by a discriminator and a surrogate", "lin2022legup"),
        "pga": _entry("gradient", "pga", "likes follow the gradient of a surrogate, users held fixed", "li2016pga"),
        "revadv": _entry("gradient", "revadv", "likes follow the gradient through the refit of a surrogate", "tang2020revadv"),
        "poisonrec": _entry(
            "poisonrec",
            "poisonrec",
            "a policy over a tree of items, taught by trials",
            "song2020poisonrec",
        ),
        "uba": _entry("uba", "uba", "copies of the users whom a given number of copies would win over", "wang2024uba"),
        "injected-sessions": _entry("sessions", "injected_sessions", "the target after the latest events of many different users"),
        "profile-pollution": _entry(
            "pollution", "profile_pollution", "events in the names of real users, at question time", "yue2021extraction"
        ),
        "guided-sessions": _entry(
            "guided_sessions", "guided_sessions", "the target after the histories whose states move most users of the victim"
        ),
    },
    group="reverie.attacks",
)
