"""The registry of techniques by name; listing it imports none of them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from reverie.errors import ConfigError
from reverie.options import Options, checked
from reverie.redteam.goals import GoalKind
from reverie.redteam.roles import Answers, Brief, ChatModel, Step, Tally
from reverie.registry import Entry, Registry

_HERE = "reverie.redteam.attackers"
_ROWS: dict[str, tuple[str, str, str, str, str]] = {
    "null": ("simple:null", "Null", "the bare request with no attack text: the control of all others", "", "alias:basic"),
    "seeds-only": ("simple:seeds_only", "SeedsOnly", "the hand-written cases, no loop", "", ""),
    "template": ("template:template", "Template", "sentences drawn at random around the request", "", ""),
    "sap": ("sap:sap", "Sap", "written from a pool of attacks with explanations, which grows by what gets through", "deng2023sap",
            "writes"),
    "sap.no-explanations": ("sap:sap", "SapNoExplanations", "the same, shown without explanations", "deng2023sap", "writes"),
    "sap.frozen-pool": ("sap:sap", "SapFrozenPool", "the same, from the hand-written pool only", "deng2023sap", "writes"),
    "pair": ("pair:pair", "Pair", "revised by the target's answers, in streams", "chao2023pair",
             "writes alias:jailbreak alias:tap.PAIR"),
    "tap": ("tap:tap", "Tap", "a tree of revisions, pruned", "mehrotra2023tap", "writes alias:jailbreak:tree alias:tap.TAP"),
    "crescendo": ("crescendo:crescendo", "Crescendo", "a conversation that comes nearer with each question",
                  "russinovich2024crescendo", "writes turns"),
    "crescendo.scripted": ("crescendo:scripted", "CrescendoScripted", "the same with hand-written questions",
                           "russinovich2024crescendo", "turns"),
    "map-elites": ("map_elites:map_elites", "MapElites", "an archive of the best of each style and goal", "samvelyan2024rainbow",
                   "writes styles"),
    "map-elites.rules": ("map_elites:map_elites", "MapElitesRules", "the same with our rules in the writer's place",
                         "samvelyan2024rainbow", "styles"),
    "mutate.base64": ("mutate:base64", "Mutate", "request or answer in base64", "", "alias:base64 alias:encoding.InjectBase64"),
    "mutate.rot13": ("mutate:rot13", "Mutate", "request or answer in ROT13", "", "alias:rot13 alias:encoding.InjectROT13"),
    "mutate.leetspeak": ("mutate:leetspeak", "Mutate", "request or answer with digits for letters", "",
                         "alias:leetspeak alias:encoding.InjectLeet"),
    "mutate.reversal": ("mutate:reversal", "Mutate", "request or answer in reverse order", "", ""),
    "mutate.spaces": ("mutate:spaces", "Mutate", "request or answer with a blank between all letters", "", ""),
    "mutate.role-play": ("mutate:role_play", "No", "a part to play that would answer", "", ""),
    "mutate.many-shot": ("mutate:many_shot", "ManyShot", "invented exchanges in front, in which it was told", "anil2024manyshot",
                         ""),
    "mutate.paraphrase": ("mutate:paraphrase", "Paraphrase", "the same in the writer's words", "", "writes"),
    "replay": ("simple:replay", "Replay", "attempts of before, said again", "", "archive alias:retry"),
}  # fmt: skip
"""Technique → what is built, its options, a line for lists, the paper, and tags: ``writes`` needs a model of its own,
``turns`` holds a conversation, ``styles`` names the style of each attempt behind its own name, ``archive`` begins from attempts of
before, ``alias:`` another tool's name for it."""


def _entry(target: str, config: str, summary: str, paper: str, tags: str) -> Entry:
    return Entry(f"{_HERE}.{target}", f"{_HERE}.config:{config}Config", summary, paper, frozenset({*tags.split(), "owasp:LLM01"}))


ATTACKERS = Registry("attacker", {name: _entry(*row) for name, row in _ROWS.items()}, group="reverie.redteam_attackers")
"""Each entry's `build` is a generator function of ``(config, brief)``; the group of entry points is open to other packages."""
OWASP: dict[GoalKind, tuple[str, ...]] = {
    "canary": ("LLM02", "LLM07"), "phrase": ("LLM01",), "prompt-leak": ("LLM07",), "promote": ("LLM01",), "demote": ("LLM01",),
    "history-leak": ("LLM02",), "off-catalogue": ("LLM09",),
}  # fmt: skip
"""Kinds of goal in the OWASP top 10 for applications of language models, 2025: LLM01 prompt injection, LLM02 disclosure of
sensitive information, LLM07 leakage of the system prompt, LLM09 misinformation."""


@dataclass(frozen=True)
class NamedAttacker:
    """A technique of the registry."""

    name: str
    entry: Entry

    @property
    def writes(self) -> bool:
        """Whether it needs a model of its own."""
        return "writes" in self.entry.tags

    @property
    def columns(self) -> int:
        """Number of the techniques that its attempts tell apart."""
        if "styles" not in self.entry.tags:
            return 1
        from reverie.redteam.attackers.styles import STYLES

        return len(STYLES)

    def options(self, brief: Brief) -> Options:
        """Return its options out of a brief."""
        options: Options = checked(ATTACKERS.config(self.name), brief.options, f"attacker '{self.name}'")
        return options

    def check(self, brief: Brief, writer: ChatModel | None) -> None:
        """Raise where a brief cannot be attacked with this technique."""
        self.options(brief)
        if not brief.goals:
            raise ConfigError(f"the attacker '{self.name}' is given no goal; give at least one")
        if self.writes and writer is None:
            raise ConfigError(f"the attacker '{self.name}' writes with a language model of its own, and none is given; give one")
        if "archive" in self.entry.tags and not brief.archive:
            raise ConfigError(f"the attacker '{self.name}' begins from attempts of before, and none are given; give an attack set")

    def __call__(self, brief: Brief) -> Generator[Step, Answers, Tally | None]:
        """Attack the goals of each part apart; see `reverie.redteam.roles.Attacker`."""
        from reverie.redteam.attackers.campaign import attack_parts

        build, options = ATTACKERS.build(self.name), self.options(brief)
        return attack_parts(lambda part: build(options, part), brief)


def create_attacker(name: str) -> NamedAttacker:
    """Return the technique of a name, or of an alias: the name that garak or promptfoo has for it."""
    if name not in ATTACKERS:
        name = next((known for known, entry in ATTACKERS.items() if f"alias:{name}" in entry.tags), name)
    return NamedAttacker(name, ATTACKERS[name])
