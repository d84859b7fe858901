"""The registry of attacks by name; listing it imports neither torch nor any attack."""

from reverie.registry import Registry, family

_ROWS = {
    "null": ("simple:NullAttack", "nothing is injected, the victim is only fitted again: the control of all others", ""),
    "target-only": ("simple:build_target_only", "fake users rate their target and nothing else", ""),
    "random": ("simple:SimpleAttack", "any items, rated around the mean of all ratings", "lam2004shilling"),
    "average": ("simple:build_average", "any items, rated around their own means", "lam2004shilling"),
    "bandwagon": ("simple:build_bandwagon", "the most popular items beside the target, all rated highest", "mobasher2007"),
    "reverse-bandwagon": ("simple:build_reverse_bandwagon", "the least popular items rated lowest beside a target to demote",
                          "mobasher2007"),
    "love-hate": ("simple:build_love_hate", "a target to demote rated lowest, any other items highest", "mobasher2007"),
    "segment": ("simple:build_segment", "items liked together with the target rated highest, others lowest", "mobasher2007"),
    "aush": ("generative:AUSH", "selected items rated by a generator that fools a discriminator", "lin2020aush"),
    "aia": ("gradient:AIA", "ratings of copied profiles follow the gradient of a surrogate", "tang2020revadv"),
    "legup": ("generative:LegUp", "a generator of ratings taught by a discriminator and a surrogate", "lin2022legup"),
    "pga": ("gradient:GradientAttack", "likes follow the gradient of a surrogate, users held fixed", "li2016pga"),
    "revadv": ("gradient:GradientAttack", "likes follow the gradient through the refit of a surrogate", "tang2020revadv"),
    "poisonrec": ("poisonrec:PoisonRec", "a policy over a tree of items, taught by trials", "song2020poisonrec"),
    "uba": ("uba:UBA", "copies of the users whom a given number of copies would win over", "wang2024uba"),
    "injected-sessions": ("sessions:InjectedSessions", "the target after the latest events of many different users", ""),
    "profile-pollution": ("pollution:ProfilePollution", "events in the names of real users, at question time",
                          "yue2021extraction"),
    "guided-sessions": ("sessions:GuidedSessions", "the target after the histories whose states move most users of the victim", ""),
}  # fmt: skip
ATTACKS = Registry("attack", family("reverie.robustness.attacks", _ROWS), group="reverie.attacks")
