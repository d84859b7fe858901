"""The registry of attacks by name; listing it imports neither torch nor any attack."""

from __future__ import annotations

from reverie.registry import Entry, Registry

_FAMILY = "reverie.robustness.attacks"


def _entry(target: str, config: str, summary: str, paper: str = "") -> Entry:
    return Entry(f"{_FAMILY}.{target}", f"{_FAMILY}.config:{config}", summary, paper)


ATTACKS = Registry(
    "attack",
    {
        "null": _entry(
            "simple:build_null", "NullConfig", "nothing is injected, the victim is only fitted again: the control of all others"
        ),
        "target-only": _entry("simple:build_target_only", "TargetOnlyConfig", "fake users rate their target and nothing else"),
        "random": _entry(
            "simple:build_random", "RandomConfig", "any items, rated around the mean of all ratings", "lam2004shilling"
        ),
        "average": _entry("simple:build_average", "AverageConfig", "any items, rated around their own means", "lam2004shilling"),
        "bandwagon": _entry(
            "simple:build_bandwagon",
            "BandwagonConfig",
            "the most popular items beside the target, all rated highest",
            "mobasher2007",
        ),
        "reverse-bandwagon": _entry(
            "simple:build_reverse_bandwagon",
            "ReverseBandwagonConfig",
            "the least popular items rated lowest beside a target to demote",
            "mobasher2007",
        ),
        "love-hate": _entry(
            "simple:build_love_hate", "LoveHateConfig", "a target to demote rated lowest, any other items highest", "mobasher2007"
        ),
        "segment": _entry(
            "simple:build_segment",
            "SegmentConfig",
            "items liked together with the target rated highest, others lowest",
            "mobasher2007",
        ),
        "aush": _entry("aush:AUSH", "AushConfig", "selected items rated by a generator that fools a discriminator", "lin2020aush"),
        "aia": _entry("aia:AIA", "AiaConfig", "ratings of copied profiles follow the gradient of a surrogate", "tang2020revadv"),
        "legup": _entry(
            "legup:LegUp", "LegupConfig", "a generator of ratings taught by a discriminator and a surrogate", "lin2022legup"
        ),
        "pga": _entry("gradient:build_pga", "PgaConfig", "likes follow the gradient of a surrogate, users held fixed", "li2016pga"),
        "revadv": _entry(
            "gradient:build_revadv", "RevadvConfig", "likes follow the gradient through the refit of a surrogate", "tang2020revadv"
        ),
        "poisonrec": _entry(
            "poisonrec:PoisonRec",
            "PoisonrecConfig",
            "a policy over a tree of items, taught by trials",
            "song2020poisonrec",
        ),
        "uba": _entry("uba:UBA", "UbaConfig", "copies of the users whom a given number of copies would win over", "wang2024uba"),
        "injected-sessions": _entry(
            "sessions:InjectedSessions", "InjectedSessionsConfig", "the target after the latest events of many different users"
        ),
        "profile-pollution": _entry(
            "pollution:ProfilePollution",
            "ProfilePollutionConfig",
            "events in the names of real users, at question time",
            "yue2021extraction",
        ),
        "guided-sessions": _entry(
            "guided_sessions:GuidedSessions",
            "GuidedSessionsConfig",
            "the target after the histories whose states move most users of the victim",
        ),
    },
    group="reverie.attacks",
)
