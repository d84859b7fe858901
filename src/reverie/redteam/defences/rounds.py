"""Rounds of hardening: attack the model as it now is, teach it to refuse what got through, and attack again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reverie.errors import RunError
from reverie.files import json_digest
from reverie.llm.backbone import Backbone
from reverie.redteam.attempts import Attempt
from reverie.redteam.defences.config import HardeningConfig
from reverie.redteam.defences.examples import Example, mixed
from reverie.redteam.defences.tuning import teach
from reverie.redteam.models.adapters import adapter_digest
from reverie.study.store import Store, unreadable

VERSION = 1
"""Of an adapter; raised when the same facts come to mean another one."""
KIND = "adapters"
"""Folder of the store that adapters lie in."""

AttackModel = Callable[[int, Path | None], Sequence[Attempt]]
"""``attack(round, adapter)`` attacks the model with an adapter, None for the model as it came, and returns all attempts."""
OpenModel = Callable[[Path | None], Backbone]
"""Loads the language model with an adapter, or as it came."""
Answer = Callable[[Sequence[Attempt]], list[Example]]
"""What the model should answer to attacks that got through, such as `refusal_examples` with its options filled in."""


@dataclass(frozen=True)
class Round:
    """One round of hardening, and the adapter that it made."""

    number: int
    adapter: Path
    attacks: int
    benign: int
    updates: int
    warmup_steps: int
    losses: tuple[float, ...]

    def sentence(self) -> str:
        """Return what the round learned from, for people."""
        share = self.benign / max(1, self.attacks + self.benign)
        return (
            f"round {self.number}: {self.attacks} attacks and {self.benign} benign requests ({share:.0%} benign), {self.updates} "
            f"updates of which {self.warmup_steps} warm up, loss {self.losses[0]:.3f} to {self.losses[-1]:.3f}"
        )


@dataclass(frozen=True)
class Hardening:
    """What rounds share.

    Parameters
    ----------
    config : HardeningConfig
        How.
    facts : mapping
        Names the language model: plain values that its weights are a function of.
    open_model : callable
        Loads it.
    benign : sequence of Example
        Benign requests with the answers that are to be kept, see `benign_examples`.
    answer : callable
        What should be answered to attacks.
    store : Store
        Keeps each round's adapter by its facts, so that nothing is trained twice.
    show : bool
        Whether to show progress.
    """

    config: HardeningConfig
    facts: Mapping[str, Any]
    open_model: OpenModel
    benign: Sequence[Example]
    answer: Answer
    store: Store
    show: bool = False

    def rounds(self, attack: AttackModel, tell: Callable[[str], None] = lambda line: None) -> list[Round]:
        """Harden in rounds; fewer than asked for where too little gets through."""
        made: list[Round] = []
        learned: dict[str, Attempt] = {}
        before: Path | None = None
        for number in range(1, self.config.rounds + 1):
            if number == 1 or self.config.regenerate:
                found = {attempt.id: attempt for attempt in attack(number, before) if attempt.finding.success}
                if len(found) <= self.config.fewest:
                    tell(f"round {number}: {len(found)} attacks got through, not more than {self.config.fewest}; hardening ends")
                    break
                learned = (learned if self.config.keep_earlier else {}) | found
            made.append(self.round(number, list(learned.values()), before))
            tell(made[-1].sentence())
            before = made[-1].adapter
        return made

    def round(self, number: int, attempts: Sequence[Attempt], before: Path | None) -> Round:
        """Teach one round, from the adapter before it or a fresh one; one that is kept is read."""
        config, attacks = self.config, self.answer(attempts)
        if not attacks:
            raise RunError(f"round {number} has no answer to teach: the model said nothing to the plain requests; use more goals")
        examples = mixed(attacks, self.benign, config.benign_share, config.seed)
        facts = {
            "round": number, "options": config.facts(), "model": dict(self.facts), "version": VERSION,
            "before": None if before is None else adapter_digest(before),
            "examples": json_digest({"examples": [asdict(example) for example in examples]}),
        }  # fmt: skip
        piece = self.store.kept(
            KIND, facts, lambda folder: teach(self.open_model(before), examples, config, number, folder, self.show)
        )
        counts = (len(attacks), len(examples) - len(attacks), config.updates(len(examples)))
        try:
            return Round(
                number, piece.folder, *counts, config.warmup_steps(len(examples)), tuple(map(float, piece.notes["losses"]))
            )
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(piece.folder) from error
