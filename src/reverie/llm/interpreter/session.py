"""Everything an interpreter works with, opened once: recommender, titles, language model, adapters and their training."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.errors import DataError, RunError
from reverie.llm.backbone import Backbone, load_backbone
from reverie.llm.generate import target_loss, token_losses
from reverie.llm.interpreter.model import Interpreter, InterpreterPrompts, check_templates
from reverie.llm.interpreter.recipe import INTERPRETER, InterpreterRecipe, TaskName
from reverie.llm.prompts import collate
from reverie.llm.titles import Titles, catalogue_titles
from reverie.llm.windows import Histories, Windows, last_windows, require_states, sample_windows, window_states
from reverie.protocols import Recommender
from reverie.seeds import numpy_generator
from reverie.study.progress import Progress, StepClock
from reverie.study.store import claim
from reverie.training.checkpoint import Best, MetricsLog, load_state, save_state
from reverie.training.config import TrainingConfig
from reverie.training.event_log import open_log
from reverie.training.loop import call_if_present
from reverie.training.optimiser import Optimisers, learning_rate
from reverie.training.run import Run, run_recipe


@dataclass(frozen=True)
class AdapterObjective:
    """Cross-entropy of the titles that the language model should write; table [N, D], known [K] are codes of titles it may see."""

    recipe: InterpreterRecipe
    prompts: InterpreterPrompts
    train: Histories
    valid: Histories
    table: Tensor
    known: NDArray[np.int64]

    def task(self, step: int) -> TaskName:
        """Draw the task of a step."""
        names = list(self.recipe.tasks)
        shares = np.array([self.recipe.tasks[name].share for name in names])
        return names[int(numpy_generator(self.recipe.training.seed, "task", step).choice(len(names), p=shares / shares.sum()))]

    def loss(self, step: int) -> Tensor:
        """Draw the examples of a step and return their loss, in nats per token."""
        task = self.task(step)
        size = self.recipe.tasks[task].batch_size
        generator = numpy_generator(self.recipe.training.seed, "examples", step)
        if task == "item":
            codes = generator.choice(self.known, min(size, len(self.known)), replace=False)
            slots = [self.prompts.item_slot(self.table[torch.from_numpy(codes) - 1])]
            targets = [self.prompts.target([code]) for code in codes.tolist()]
        else:
            part = self.train.take(generator.choice(len(self.train), min(size, len(self.train)), replace=False))
            slots, targets = self.prompts.slots(task, part), self.prompts.targets(task, part)
        rendered, vectors = self.prompts.render(task, slots)
        return target_loss(self.prompts.backbone, collate(self.prompts.backbone, rendered, targets), vectors)

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Return the loss of recovery on the validation histories, in nats per token."""
        self.prompts.interpreter.eval()
        total, count = 0.0, 0
        for index in self.valid.pieces(self.recipe.tasks["recovery"].batch_size):
            part = self.valid.take(index)
            rendered, vectors = self.prompts.render("recovery", self.prompts.slots("recovery", part))
            batch = collate(self.prompts.backbone, rendered, self.prompts.targets("recovery", part))
            losses, is_target = token_losses(self.prompts.backbone, batch, vectors)
            total, count = total + float(losses.sum()), count + int(is_target.sum())
        return total / count


def train_adapters(objective: AdapterObjective, folder: Path, progress: Progress) -> None:
    """Train the adapters of an interpreter, and put the weights with the lowest validation loss back."""
    training, model = objective.recipe.training, objective.prompts.interpreter
    shared = training.model_dump(include={"learning_rate", "weight_decay", "warmup_steps", "schedule"})
    config = TrainingConfig(epochs=1, **shared)
    optimisers, best, step = Optimisers(model, config), Best(patience=10**9), 0
    losses: dict[str, list[float]] = {}
    begin = saved = time.monotonic()
    state = load_state(folder / "state", model, optimisers)
    if state is not None:
        numbers, weights = state
        best = Best(**{name: value for name, value in numbers["best"].items() if value is not None}, weights=weights)
        step, losses, begin = int(numbers["epoch"]), numbers["losses"], begin - float(numbers["seconds"])
        progress.line(f"resuming after {step} steps")
        call_if_present(progress, "skip", step)
    log, clock = MetricsLog(folder, step), StepClock()
    # not `Trainer`: it counts epochs of one loss, and here rows, state and losses go by step and task
    while step < training.steps:
        clock.start()
        task = objective.task(step)
        model.train()
        optimisers.set_rate(learning_rate(config, step, training.steps))
        loss = objective.loss(step)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise RunError(f"the loss became {value} in step {step + 1}; use a smaller training.learning_rate")
        optimisers.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for part in optimisers.parts:
            part.step()
        losses.setdefault(task, []).append(value)
        step += 1
        if clock.stop():
            rest = f"{clock.seconds * (training.steps - step) / 60:.1f} min to go, measuring not counted"
            progress.line(f"about {clock.seconds:.1f} s a step, {rest}")
        if step % training.validate_every == 0 or step == training.steps:
            loss_now = objective.validation_loss()
            if not np.isfinite(loss_now):
                raise RunError(f"the validation loss became {loss_now} in step {step}; use a smaller training.learning_rate")
            best.update(-loss_now, step, model)
            row: dict[str, Any] = {"epoch": step, "valid_loss": loss_now, "seconds": time.monotonic() - begin}
            log.add(row | {f"loss_{name}": float(np.mean(values)) for name, values in sorted(losses.items())})
            losses = {}
            progress.line(f"step {step}: " + " ".join(f"{k} {v:.4g}" for k, v in log.rows[-1].items() if k != "epoch"))
        progress.advance(f"{task} {value:.3f}")
        if time.monotonic() - saved >= training.checkpoint_seconds:
            facts = {"epoch": step, "step": 0, "seconds": time.monotonic() - begin, "best": best.numbers(), "losses": losses}
            save_state(folder / "state", model, optimisers, best.weights, facts)
            saved = time.monotonic()
    log.close()
    model.load_state_dict(best.weights)
    model.eval()


KNOWN_WELL = 5
"""Training events that an item needs before its title may be held out: the recommender should know it."""


@dataclass(frozen=True)
class Session:
    """An interpreter and what it stands between; table [N, D]."""

    recipe: InterpreterRecipe
    folder: Path
    run: Run
    model: Recommender
    dataset: Dataset
    split: Split
    titles: Titles
    held_out: NDArray[np.int64]
    prompts: InterpreterPrompts
    table: Tensor

    @property
    def backbone(self) -> Backbone:
        """The language model."""
        return self.prompts.backbone

    @property
    def taught(self) -> NDArray[np.int64]:
        """Codes of items whose titles the adapter may see, those that share a title with a held-out one left out."""
        canonical = self.titles.canonical
        hidden = np.isin(canonical, canonical[self.held_out])
        return np.flatnonzero(~hidden[1:]) + 1

    def windows(self, part: str) -> Windows:
        """Return the histories of one part."""
        sizes, seed = self.recipe.windows, self.recipe.training.seed
        if part == "train":
            untaught = np.setdiff1d(np.arange(1, len(self.titles.texts) + 1), self.taught)
            return sample_windows(self.split.train, sizes.train, sizes.length, sizes.shortest, seed, untaught)
        queries, count = (self.split.valid, sizes.valid) if part == "valid" else (self.split.test, sizes.test)
        return last_windows(queries, sizes.length, sizes.shortest, count, seed)

    def histories(self, windows: Windows) -> Histories:
        """Return windows with their states, which are computed once and kept in the run folder."""
        return Histories(**vars(windows), states=window_states(self.model, windows, self.folder / "states"))


def open_session(
    recipe: InterpreterRecipe, folder: Path, dataset: Dataset, split: Split, device: str | None, offline: bool, show: bool
) -> Session:
    """Train the recommender where it is not trained yet, and open all else."""
    titles = catalogue_titles(split.vocabulary, recipe.titles)
    check_templates(recipe)
    backbone = load_backbone(recipe.backbone, device)
    claim(folder, recipe, INTERPRETER, "interpreter")
    run = run_recipe(recipe.training_recipe(), folder / "recommender", split=split, device=device, show=show, offline=offline)
    model = run.model()
    with torch.no_grad():
        table = require_states(model).item_table().float().cpu()
    interpreter = Interpreter(recipe.adapter, table.shape[1], backbone, recipe.training.seed)
    interpreter.eval()
    prompts = InterpreterPrompts(recipe, backbone, titles, interpreter)
    known = np.flatnonzero(split.train.item_counts() >= KNOWN_WELL)
    if not len(known):
        raise DataError(f"no item has {KNOWN_WELL} training events; use a larger dataset")
    draws = numpy_generator(recipe.training.seed, "held out")
    held_out = np.sort(draws.choice(known, round(recipe.held_out * len(known)), replace=False))
    session = Session(recipe, folder, run, model, dataset, split, titles, held_out, prompts, table)
    interpreter.set_catalogue(backbone, titles, table, torch.from_numpy(session.taught))
    return session


def teach(session: Session, progress: Progress) -> None:
    """Train the adapters where they are not trained yet."""
    done = session.folder / "adapter"
    interpreter = session.prompts.interpreter
    if (done / "adapter.json").is_file():
        interpreter.load(done)
        return
    train = session.windows("train")
    histories = session.histories(train)
    real = torch.from_numpy(train.items > 0)
    codes = torch.from_numpy(train.items)[real]
    taught = torch.from_numpy(session.taught)
    interpreter.prepare(session.backbone, session.titles, histories.states[real], codes, session.table, taught)
    valid = session.histories(session.windows("valid"))
    objective = AdapterObjective(session.recipe, session.prompts, histories, valid, session.table, session.taught)
    train_adapters(objective, session.folder, progress)
    interpreter.save(done)


def open_taught(folder: Path, *, device: str | None = None, offline: bool = False, log: Path | None = None) -> Session:
    """Open a taught interpreter."""
    if not (folder / INTERPRETER.file).is_file():
        raise RunError(f"{folder} holds no interpreter (no {INTERPRETER.file}); 'reverie interpret' makes one")
    if not (folder / "adapter" / "adapter.json").is_file():
        raise RunError(f"the interpreter in {folder} is not finished; give its 'reverie interpret' command again to go on")
    recipe = INTERPRETER.load(str(folder / INTERPRETER.file))
    training = recipe.training_recipe()
    dataset = open_log(folder / "recommender", training.dataset, log, offline)
    session = open_session(recipe, folder, dataset, split_dataset(dataset, training.split), device, offline, show=False)
    session.prompts.interpreter.load(folder / "adapter")
    return session
