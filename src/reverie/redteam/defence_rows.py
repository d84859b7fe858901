"""Defences by the name that recipes give them: which options they take, what they suit, and whether they learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from reverie.errors import ConfigError, unknown
from reverie.options import Options, checked
from reverie.redteam.defences.config import ConsistencyConfig, HardeningConfig
from reverie.redteam.models.config import LocalModel
from reverie.redteam.targets.config import TargetConfig


class NoOptions(Options):
    """A defence without options."""


class FilterConfig(Options):
    """Options of the input filter."""

    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Share of benign texts that may be blocked, on texts that the classifier did not see."""
    ridge: float = Field(default=1.0, gt=0)
    """Weight of the squared coefficients."""
    encoder: str | None = None
    """Folder of a sentence encoder; None takes all-MiniLM-L6-v2, fetched once (83 MB)."""


class BannedConfig(Options):
    """Options of the catalogue constraint."""

    banned: tuple[str, ...] = ()
    """External ids of items that may never be shown."""


CHAT = frozenset({"chat", "chat-recommender"})
ANY = frozenset({"chat", "chat-recommender", "collm", "recinterpreter", "control"})
_LISTS = frozenset({"chat-recommender", "collm", "recinterpreter"})


@dataclass(frozen=True)
class DefenceKind:
    """What a kind of defence is."""

    config: type[Options]
    targets: frozenset[str]
    learns: bool = False
    tunes: bool = False
    """Whether it changes the weights of the target's language model."""
    summary: str = ""
    constant: bool = False
    """Whether it says the same whatever it is asked."""


KINDS: Mapping[str, DefenceKind] = {
    "always-refuse": DefenceKind(NoOptions, ANY, summary="refuses everything; the bound that loses all use", constant=True),
    "structured-prompt": DefenceKind(NoOptions, CHAT, summary="marks the user's text as data, and repeats the rule behind it"),
    "output-detector": DefenceKind(NoOptions, CHAT, summary="refuses where the answer holds the secret or the prompt"),
    "catalogue-constraint": DefenceKind(BannedConfig, _LISTS, summary="lists hold candidates only, and no banned item"),
    "input-filter": DefenceKind(FilterConfig, ANY, True, summary="a classifier on sentence vectors, taught with what was tried"),
    "lora": DefenceKind(HardeningConfig, CHAT, True, True, "rounds of LoRA on what got through"),
    "consistency": DefenceKind(ConsistencyConfig, frozenset({"collm"}), True, True, "a score must not move with planted text"),
}
"""``rounds`` of a recipe's row goes before the option of that name."""


@dataclass(frozen=True)
class DefenceRow:
    """A defence of a recipe, with checked options."""

    name: str
    kind: DefenceKind
    config: Options

    def check(self, config: TargetConfig, where: str, target: str) -> None:
        """Refuse a target that the defence cannot defend."""
        if config.kind not in self.kind.targets:
            suits = ", ".join(sorted(self.kind.targets))
            raise ConfigError(
                f"{where}: '{self.name}' cannot defend '{target}' of kind '{config.kind}'; it suits {suits}, so set 'targets'"
            )
        model = getattr(config, "model", None)
        if self.kind.tunes and model is not None and not isinstance(model, LocalModel):
            raise ConfigError(
                f"{where}: '{self.name}' trains weights, and those of '{target}' are not here; set 'targets', or take a local model"
            )


def defence_row(name: str, options: Mapping[str, Any], where: str) -> DefenceRow:
    """Return a defence with its options checked."""
    if name not in KINDS:
        raise unknown("defence", name, KINDS)
    kind = KINDS[name]
    if "seed" in options:
        raise ConfigError(f"{where}: 'seed' is that of the study; leave it out")
    return DefenceRow(name, kind, checked(kind.config, options, where))
