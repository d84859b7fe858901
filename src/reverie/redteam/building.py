"""Building attack sets of given sizes for each kind of goal, with what each accepted text cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverie.documents import read_json
from reverie.errors import ConfigError
from reverie.redteam.attack_log import AttackLog
from reverie.redteam.attackers.campaign import squeezed
from reverie.redteam.attackers.shelf import NamedAttacker
from reverie.redteam.detectors.lookup import detect as detect_by_kind
from reverie.redteam.engine import TIMINGS, run_attack
from reverie.redteam.goals import Goal, GoalKind
from reverie.redteam.quota import Quota
from reverie.redteam.roles import Brief, ChatModel, Detector, Target
from reverie.redteam.sets import AttackSet, SetHeader, seal_set, write_set
from reverie.seeds import numpy_generator

SIZES = (5, 10, 20, 30, 200)
"""Texts for each kind of goal, as in the published sets."""
LARGEST = 10_000
"""Texts of one set."""

PATIENCE = 20
"""Calls of the target for each wanted text, on average."""


@dataclass(frozen=True)
class BuiltSet:
    """A set with its file and what it cost; `seconds` are those of the models, NaN for the part of a larger set."""

    path: Path
    attack_set: AttackSet
    seconds: float

    @property
    def calls_per_text(self) -> float:
        """Calls of the target for each accepted text; infinite where none was accepted."""
        return self.attack_set.header.calls / len(self.attack_set) if len(self.attack_set) else math.inf

    @property
    def seconds_per_text(self) -> float:
        """Seconds for each accepted text; infinite where none was accepted."""
        return self.seconds / len(self.attack_set) if len(self.attack_set) else math.inf


def build_sets(
    attacker: NamedAttacker,
    target: Target,
    brief: Brief,
    *,
    folder: Path,
    sizes: Sequence[int] = SIZES,
    patience: int = PATIENCE,
    nested: bool = False,
    writer: ChatModel | None = None,
    detect: Detector = detect_by_kind,
    facts: Mapping[str, Any] | None = None,
    batch: int = 64,
    tell: Callable[[str], None] = lambda said: None,
) -> list[BuiltSet]:
    """Build a set of each size for each kind of goal; interrupted, the same call goes on.

    Parameters
    ----------
    attacker : NamedAttacker
        A technique.
    target : Target
        What texts must get through.
    brief : Brief
        Goals and cases; `calls` is not used.
    folder : Path
        Takes ``<kind>-<size>.jsonl`` and the logs.
    sizes : sequence of int
        Accepted texts.
    patience : int
        Calls of the target for each wanted text, on average, after which a set stays smaller than wanted.
    nested : bool
        Whether each set is the beginning of the next larger one. If not, each is an attack with a seed of its own, and a text of a
        smaller set does not count again, so that no set is part of another by accident.
    writer, detect, facts, batch, tell
        As of `run_attack`.

    Returns
    -------
    list of BuiltSet
        By kind, then by size.

    Raises
    ------
    ConfigError
        If a size is not positive or too large, or two are the same.
    """
    if not sizes or min(sizes) < 1 or len(set(sizes)) < len(sizes):
        raise ConfigError(f"sizes of sets are {', '.join(map(str, sizes)) or 'missing'}; give different numbers from 1 up")
    if max(sizes) > LARGEST:
        raise ConfigError(f"a set of {max(sizes):,} texts is too large; give at most {LARGEST:,}")
    built: list[BuiltSet] = []
    for kind in dict.fromkeys(goal.kind for goal in brief.goals):
        goals = tuple(goal for goal in brief.goals if goal.kind == kind)
        known: frozenset[str] = frozenset()
        for size in sorted(sizes)[-1:] if nested else sorted(sizes):
            one = _one_brief(brief, goals, kind, size, patience, nested)
            place, quota = folder / f"{kind}-{size}", Quota(size, known)
            log = run_attack(
                attacker, target, one, folder=place, writer=writer, detect=detect, quota=quota, facts=facts, batch=batch, tell=tell
            )  # fmt: skip
            for part in sorted(sizes) if nested else (size,):
                path = folder / f"{kind}-{part}.jsonl"
                made = _set_of(log, Quota(part, known), kind, one)
                write_set(path, made)
                built.append(BuiltSet(path, made, seconds_of(place) if part == size else math.nan))
                tell(f"{path.name}: {len(made)} of {part} texts, {made.header.calls:,} calls")
            known |= {squeezed(attempt.tried.text) for attempt in built[-1].attack_set.attempts}
    return built


def most_calls(goals: Sequence[Goal], sizes: Sequence[int], nested: bool = False) -> int:
    """Return how many calls of the target `build_sets` may make, as many for each goal of a kind."""
    asked = [max(sizes)] if nested else sizes
    return sum(math.ceil(PATIENCE * size / n) * n for n in Counter(goal.kind for goal in goals).values() for size in asked)


def _one_brief(brief: Brief, goals: tuple[Goal, ...], kind: GoalKind, size: int, patience: int, nested: bool) -> Brief:
    seed = int(numpy_generator(brief.seed, "attack set", kind, "nested" if nested else size).integers(2**31))
    cases = tuple(case for case in brief.cases if case.kind == kind)
    return Brief(goals, cases, math.ceil(patience * size / len(goals)), seed, brief.archive, brief.options)


def _set_of(log: AttackLog, quota: Quota, kind: GoalKind, brief: Brief) -> AttackSet:
    """Return the set of a finished attack, or of its part up to the call with which the quota was filled."""
    chosen = quota.choose(log.attempts)
    full = len(chosen) == quota.wanted
    calls = 1 + [one.id for one in log.attempts].index(chosen[-1].id) if full else len(log.attempts)
    header = SetHeader(
        kind, quota.wanted, log.attacker, log.target, log.writer, brief.seed, calls, log.writings, log.n_unusable, log.sha256,
        brief.goals,
    )  # fmt: skip
    return seal_set(header, chosen)


def seconds_of(folder: Path) -> float:
    """Return the seconds that the models of an attack took, those of pieces that a kill undid among them."""
    return sum(sum(line["seconds"].values()) for line in read_timings(folder))


def read_timings(folder: Path) -> Iterator[dict[str, dict[str, float]]]:
    """Yield what each piece of an attack took; a line that a kill cut off is left out."""
    path = folder / TIMINGS
    if path.exists():
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
            yield read_json(Path(f"{path}, line {number}"), line)
