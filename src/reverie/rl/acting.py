"""Training one row of a study, and each policy of it at work: on the test queries, and in a world."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
import torch

from reverie.data.split import Split
from reverie.evaluation import evaluate
from reverie.evaluation.effects import finite
from reverie.files import atomic_path
from reverie.protocols import Recommender
from reverie.rl.logged_values import q_minus_logged
from reverie.rl.model_errors import reward_error, transition_error
from reverie.rl.policies import Policy, policy_of
from reverie.rl.value_model import ActsByHeads
from reverie.rl.worlds.q_error import q_over, q_over_best
from reverie.rl.worlds.rollout import RollOut, roll_out
from reverie.rl.worlds.session import SessionWorld
from reverie.rl.worlds.world import World
from reverie.training.config import TrainingConfig
from reverie.training.fit import Fitted, fit, validation_measure

NO_POLICY = ""
"""Who acts in a model that only counts."""
VALUE_LOSSES = frozenset({"td", "conservative"})
"""Losses that teach Q."""


@dataclass(frozen=True)
class Actor:
    """Who acts, with the weights of which epoch."""

    policy: str
    checkpoint: str

    @property
    def folder(self) -> str:
        """Name of the folder of its evaluation."""
        return "-".join(part.replace("+", "_") for part in (self.policy, self.checkpoint) if part)


@dataclass(frozen=True)
class Trained:
    """What came out of one training, as plain values."""

    selection: float | None
    epoch: int | None
    seconds: float
    peak_mb: float
    commit: str
    flags: tuple[str, ...] = ()
    """Why the divergence watch marked it."""
    log: tuple[Mapping[str, float], ...] = ()
    """A row for each epoch."""
    acted: tuple[Mapping[str, Any], ...] = ()
    """For each actor ``policy``, ``checkpoint``, ``mix`` and what was measured of its values in the world."""
    files: str = field(default="", compare=False)
    """The folder of its evaluations and roll-outs."""
    means: Mapping[Actor, Mapping[tuple[str, str], float]] | None = field(default=None, compare=False)
    """Where only rows are known, what each actor was measured by, by slice and metric."""

    @property
    def failed(self) -> bool:
        """Whether it came to no end, so that nothing acted."""
        return bool(self.flags) and not self.acted

    @property
    def actors(self) -> list[Actor]:
        """Who acted."""
        return [Actor(str(one["policy"]), str(one["checkpoint"])) for one in self.acted]


class Weights:
    """The weights of the best validation and those after the last epoch."""

    def __init__(self, model: Recommender) -> None:
        self._model, self._last = model, dict[str, torch.Tensor]()
        self.epoch: int | None = None
        """Of the last weights."""

    def keep(self, epoch: int, value: float) -> None:
        """Keep the weights as they are."""
        self.epoch, self._last = epoch, _copy(self._model)

    def each(self, checkpoints: tuple[str, ...]) -> Iterator[str]:
        """Put each kind of weights into the model, and yield its name; a model that counts has one."""
        if not self._last or not isinstance(self._model, torch.nn.Module):
            yield "best"
            return
        best = _copy(self._model)
        for name in checkpoints:
            self._model.load_state_dict(best if name == "best" else self._last)
            yield name


def _copy(model: Recommender) -> dict[str, torch.Tensor]:
    return {name: one.clone() for name, one in model.state_dict().items()} if isinstance(model, torch.nn.Module) else {}


def policies_of(model: Recommender, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return who may act: of the asked heads those that have learned something, or the model itself."""
    if not isinstance(model, ActsByHeads):
        return ("ce",) if isinstance(model, torch.nn.Module) else (NO_POLICY,)
    learned = {name for name, (weight, _) in model.terms().items() if weight}
    needs = {"ce": "ce" in learned, "q": bool(learned & VALUE_LOSSES)}
    return tuple(one for one in asked if all(needs[head] for head in one.split("+")))


def train_and_act(
    model: Recommender,
    split: Split,
    training: TrainingConfig,
    policies: tuple[str, ...],
    checkpoints: tuple[str, ...],
    world: World | None,
    sessions: int,
    folder: Path,
    device: str | None,
) -> tuple[Fitted, list[dict[str, Any]]]:
    """Fit a model, let each of its policies act, and write what they did into a folder; return what is said of each actor."""
    weights = Weights(model)
    fitted = fit(model, split, training, device=device, show=False, on_validation=weights.keep)
    measure = validation_measure(model, split, training, device)
    acted: list[dict[str, Any]] = []
    for checkpoint in weights.each(checkpoints):
        if acted and fitted.best_epoch == weights.epoch:
            acted += [_copied(one, checkpoint, folder) for one in acted]
            break
        errors = _model_errors(model, split, world)
        for policy in policies_of(model, policies):
            told: dict[str, Any] = {"policy": policy, "checkpoint": checkpoint, **_choose(model, policy, measure)}
            actor = Actor(policy, checkpoint)
            measured = evaluate(model, split.test, top=0, device=device, train=split.train, protocol=split.protocol)
            measured.save(folder / actor.folder)
            if world is not None:
                told |= _act(model, world, sessions, training.seed, folder / f"{actor.folder}.parquet")
            if policy == "q" and isinstance(model, ActsByHeads):
                told["q_minus_logged"] = q_minus_logged(model, split.test)
            acted.append({name: one for name, one in (told | errors).items() if one is not None})
    return fitted, acted


def act_out(world: World, name: str, sessions: int, seed: int, folder: Path) -> tuple[float, dict[str, Any]]:
    """Roll out one of a world's own policies; return how long it took and what is said of it."""
    begun = perf_counter()
    actor = Actor(NO_POLICY, "best")
    rolled = _rolled_out(world.references()[name], world, sessions, seed, folder / f"{actor.folder}.parquet")
    told = {"policy": actor.policy, "checkpoint": actor.checkpoint, "truncated": float(rolled.truncated.mean())}
    return perf_counter() - begun, told


def _rolled_out(policy: Policy, world: World, sessions: int, seed: int, file: Path) -> RollOut:
    """Roll out a policy, and write the return and the length of each session; chances are those of the seed."""
    rolled = roll_out(policy, world, sessions, seed)
    frame = pl.DataFrame({"session": np.arange(sessions), "return": rolled.returns, "length": rolled.lengths.astype(np.float64)})
    with atomic_path(file) as path:
        frame.write_parquet(path)
    return rolled


def _copied(told: dict[str, Any], checkpoint: str, folder: Path) -> dict[str, Any]:
    """Return what is said of an actor whose weights are those of another checkpoint; its files are copied."""
    there, here = (Actor(str(told["policy"]), one).folder for one in (str(told["checkpoint"]), checkpoint))
    pairs = [(file, folder / here / file.name) for file in sorted((folder / there).iterdir())]
    if (rolled := folder / f"{there}.parquet").exists():
        pairs.append((rolled, folder / f"{here}.parquet"))
    for source, target in pairs:
        with atomic_path(target) as path:
            shutil.copyfile(source, path)
    return told | {"checkpoint": checkpoint}


def _model_errors(model: Recommender, split: Split, world: World | None) -> dict[str, float | None]:
    """Return how wrong the reward and the transition model are, whoever acts, in a world where both are known."""
    if not isinstance(world, SessionWorld) or not isinstance(model, ActsByHeads):
        return {}
    return {"reward_error": reward_error(model, split.test, world), "transition_error": transition_error(model, split.test, world)}


def _choose(model: Recommender, policy: str, measure: Callable[[], float]) -> dict[str, Any]:
    """Let a head of a value model act; where both do, choose the factor of Q on validation."""
    if not isinstance(model, ActsByHeads):
        return {}
    model.config = model.config.model_copy(update={"policy": policy})
    if policy != "ce+q":
        return {}
    tried = len(model.config.grid) if model.config.mix is None else 0
    return {"mix": model.choose(measure).get("mix", model.config.mix), "mixes": tried}


def _act(model: Recommender, world: World, sessions: int, seed: int, file: Path) -> dict[str, float | None]:
    """Roll out a model in a world, write its sessions, and return what is said of them and of its values."""
    policy = policy_of(model, "argmax", world.vocabulary, repeats=world.repeats)
    rolled = _rolled_out(policy, world, sessions, seed, file)
    told: dict[str, float | None] = {"truncated": float(rolled.truncated.mean()), "return": float(rolled.returns.mean())}
    if not isinstance(model, ActsByHeads) or model.config.policy != "q":
        return told  # Q is not what another policy earns
    known = world if isinstance(world, SessionWorld) else None
    measured = {"q_over": q_over(policy, rolled, known)}
    if known is not None:
        measured["q_over_best"] = q_over_best(policy, rolled, known)
    for name, found in measured.items():
        told |= {name: finite(found.value), f"{name}_low": finite(found.low), f"{name}_high": finite(found.high)}
    return told
