"""Everything an interpreter works with, opened once: recommender, split, titles, language model, adapters, histories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.data.splits.config import split_dataset
from reverie.errors import DataError, RunError
from reverie.llm.backbone import load_backbone
from reverie.llm.interpreter.adapter_training import AdapterObjective, train_adapters
from reverie.llm.interpreter.model import Interpreter, InterpreterPrompts, check_templates
from reverie.llm.interpreter.recipe import INTERPRETER
from reverie.llm.titles import catalogue_titles
from reverie.llm.windows import Histories, last_windows, require_states, sample_windows, window_states
from reverie.seeds import numpy_generator
from reverie.study.store import claim
from reverie.training.run import open_recipe_dataset, run_recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.data.dataset import Dataset
    from reverie.data.split import Split
    from reverie.llm.backbone import Backbone
    from reverie.llm.interpreter.recipe import InterpreterRecipe
    from reverie.llm.titles import Titles
    from reverie.llm.windows import Windows
    from reverie.protocols import Recommender
    from reverie.study.progress import Progress
    from reverie.training.run import Run

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
    recipe: InterpreterRecipe,
    folder: Path,
    *,
    data: tuple[Dataset, Split] | None = None,
    device: str | None = None,
    offline: bool = False,
    show: bool = True,
) -> Session:
    """Train the recommender where it is not trained yet, and open all else."""
    training = recipe.training_recipe()
    if data is None:
        dataset = open_recipe_dataset(training.dataset, offline)
        data = dataset, split_dataset(dataset, training.split)
    dataset, split = data
    titles = catalogue_titles(split.vocabulary, recipe.titles)
    check_templates(recipe)
    backbone = load_backbone(recipe.backbone, device)
    claim(folder, recipe, INTERPRETER, "interpreter")
    run = run_recipe(training, folder / "recommender", split=split, device=device, show=show, offline=offline)
    model = run.model()
    vectors = require_states(model)
    with torch.no_grad():
        table = vectors.item_table().detach().float().cpu()
    interpreter = Interpreter(recipe.adapter, table.shape[1], backbone, recipe.training.seed)
    interpreter.eval()
    prompts = InterpreterPrompts(recipe, backbone, titles, interpreter)
    held_out = _held_out(split, recipe)
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


def open_taught(folder: Path, *, device: str | None = None, offline: bool = False) -> Session:
    """Open a taught interpreter."""
    if not (folder / INTERPRETER.file).is_file():
        raise RunError(f"{folder} holds no interpreter (no {INTERPRETER.file}); 'reverie interpret' makes one")
    if not (folder / "adapter" / "adapter.json").is_file():
        raise RunError(f"the interpreter in {folder} is not finished; give its 'reverie interpret' command again to go on")
    session = open_session(INTERPRETER.load(str(folder / INTERPRETER.file)), folder, device=device, offline=offline, show=False)
    session.prompts.interpreter.load(folder / "adapter")
    return session


def _held_out(split: Split, recipe: InterpreterRecipe) -> NDArray[np.int64]:
    """Draw the items whose titles are not taught."""
    known = np.flatnonzero(split.train.item_counts() >= KNOWN_WELL)
    if not len(known):
        raise DataError(f"no item has {KNOWN_WELL} training events; use a larger dataset")
    count = round(recipe.held_out * len(known))
    return np.sort(numpy_generator(recipe.training.seed, "held out").choice(known, count, replace=False))
