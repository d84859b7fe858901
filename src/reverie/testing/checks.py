"""The laws, each a function that raises AssertionError with a sentence when a model breaks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reverie.data.batch import SequenceBatch, history_batch
from reverie.data.split import Split
from reverie.evaluation import evaluate
from reverie.models import MODELS, create_model, load_model, save_model
from reverie.options import checked
from reverie.protocols import Counts, HasVectors, Imagines, Recommender, Represents
from reverie.registry import Entry
from reverie.testing.data import tiny_split
from reverie.training import TrainingConfig, fit

_ASKED: dict[tuple[Entry, str], Recommender] = {}
"""The last model that was fitted to be asked only."""
_tiny_split = cache(tiny_split)


@dataclass
class Case:
    """What a check works on."""

    name: str
    options: Mapping[str, Any]
    folder: Path
    epochs: int = 20
    split: Split = field(default_factory=tiny_split)

    def config(self, **changes: Any) -> TrainingConfig:
        """Return small training options."""
        values = {"epochs": self.epochs, "patience": 1000, "batch_size": 16, "learning_rate": 0.01, "checkpoint_seconds": 0.0}
        return checked(TrainingConfig, values | changes, "training")

    def new(self, seed: int = 0) -> Recommender:
        """Return an unfitted model."""
        return create_model(self.name, self.split, seed=seed, **self.options)

    def fitted(self, **changes: Any) -> Recommender:
        """Return a fitted model."""
        model = self.new()
        fit(model, self.split, self.config(**changes), show=False, device="cpu")
        return model

    def once(self) -> Recommender:
        """Return a model that was fitted for one epoch, the same for all checks that only ask it."""
        key = MODELS[self.name], repr(self.options)
        if key not in _ASKED:
            model = self.fitted(epochs=1)
            _ASKED.clear()
            _ASKED[key] = model
        return _ASKED[key]

    def codes(self, length: int, shift: int = 0) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Return a history of item codes."""
        return ((np.arange(length) * 3 + shift) % self.split.vocabulary.n_items + 1).astype(np.int32)

    def batch(self, model: Recommender, lengths: tuple[int, ...] = (4, 1, 7)) -> SequenceBatch:
        """Return a batch of known users."""
        made = history_batch([self.codes(n, shift) for shift, n in enumerate(lengths)], model.history)
        return SequenceBatch(made.items, made.lengths, torch.arange(len(lengths)))


def _scores(model: Recommender, batch: SequenceBatch, items: torch.Tensor | None = None) -> torch.Tensor:
    if isinstance(model, torch.nn.Module):
        model.eval()
    torch.manual_seed(0)
    with torch.inference_mode():
        return model.scores(batch, items)


def config_round_trip(case: Case) -> None:
    """Options survive JSON."""
    config = case.new().card.config
    again = type(config).model_validate_json(config.model_dump_json())
    assert again == config, "options change when they are written as JSON and read back"


def saved_and_loaded(case: Case) -> None:
    """Give the same scores after storing and loading."""
    model = case.once()
    save_model(model, case.folder / "model")
    loaded = load_model(case.folder / "model")
    batch = case.batch(model)
    torch.testing.assert_close(_scores(loaded, batch), _scores(model, batch), rtol=0, atol=0)
    assert loaded.card.vocabulary.titles is not None
    assert loaded.card.vocabulary.items.to_list() == model.card.vocabulary.items.to_list(), "item ids change when a model is stored"


def same_seed_same_model(case: Case) -> None:
    """Fitting twice with one seed gives equal scores."""
    first, second = case.once(), case.fitted(epochs=1)
    batch = case.batch(first)
    torch.testing.assert_close(_scores(first, batch), _scores(second, batch), rtol=0, atol=0)


def shapes_and_finite(case: Case) -> None:
    """Histories of length 0, 1 and longer than the model reads get finite scores for the whole catalogue."""
    model = case.once()
    longest = (model.history or 20) + 5
    scores = _scores(model, case.batch(model, (0, 1, longest)))
    assert scores.shape == (3, case.split.vocabulary.n_items), f"scores have the shape {tuple(scores.shape)}"
    assert bool(torch.isfinite(scores).all()), "some scores are not finite"


def neighbours_do_not_matter(case: Case) -> None:
    """Score a row the same whatever the other rows are and however far the batch is padded."""
    model = case.once()
    whole = _scores(model, case.batch(model, (4, 1, 7, 0)))
    for row, length in enumerate((4, 1, 7, 0)):
        made = history_batch([case.codes(length, row)], model.history)
        alone = _scores(model, SequenceBatch(made.items, made.lengths, torch.tensor([row])))
        torch.testing.assert_close(alone[0], whole[row], rtol=1e-4, atol=1e-5)


def candidates_equal_catalogue(case: Case) -> None:
    """Scores of candidates are those of the whole catalogue."""
    model = case.once()
    batch = case.batch(model)
    items = torch.tensor([[1, 5, 2], [7, 7, 3], [20, 19, 1]])
    torch.testing.assert_close(_scores(model, batch, items), _scores(model, batch).gather(1, items - 1), rtol=1e-4, atol=1e-5)


def vectors_law(case: Case) -> None:
    """Where a model has vectors: scores are inner products, and a state never looks at later events."""
    model: Any = case.once()
    represents, has_states = isinstance(model, Represents), isinstance(model, HasVectors)
    if not represents:
        return
    batch = case.batch(model, (6, 6))
    with torch.inference_mode():
        torch.testing.assert_close(_scores(model, batch), model.represent(batch) @ model.item_table().T, rtol=1e-4, atol=1e-5)
        if not has_states:
            return
        changed = batch.items.clone()
        changed[:, 4:] = changed[:, 4:] % case.split.vocabulary.n_items + 1
        other = SequenceBatch(changed, batch.lengths, batch.users)
        torch.testing.assert_close(model.states(batch)[:, :4], model.states(other)[:, :4], rtol=1e-4, atol=1e-5)


def imagines_vectors(case: Case) -> None:
    """Where a model imagines: n finite vectors per history, in the space of the item table."""
    model = case.once()
    if not isinstance(model, Imagines):
        return
    drawn = model.imagine(case.batch(model), 4)
    assert drawn.shape[:2] == (3, 4), f"imagine(batch, 4) gave the shape {tuple(drawn.shape)} for three histories"
    assert bool(torch.isfinite(drawn).all()), "imagined vectors are not finite"


def learns_something(case: Case) -> None:
    """Training lowers the loss, and a fitted model ranks its own training events better than chance."""
    model = case.new()
    fitted = fit(model, case.split, case.config(on="train+valid"), show=False, device="cpu")
    if not isinstance(model, Counts):
        losses = [row["loss"] for row in fitted.history]
        assert losses[-1] < losses[0], f"the loss went from {losses[0]:.4f} to {losses[-1]:.4f}"
    measured = evaluate(model, case.split.valid, seen="keep", top=0).value("ndcg@10")
    chance = sum(1 / np.log2(rank + 1) for rank in range(1, 11)) / case.split.vocabulary.n_items
    assert measured > chance, f"ndcg@10 is {measured:.4f} on events it was fitted on, not above chance ({chance:.4f})"


def resumes_exactly(case: Case) -> None:
    """End with the same losses and weights whether or not training was cut in the middle and kept in a folder."""
    whole, resumed, folder = case.new(), case.new(seed=1), case.folder / "cut"
    if isinstance(whole, Counts):
        return
    expected = fit(whole, case.split, case.config(epochs=3), show=False, device="cpu").history
    fit(case.new(), case.split, case.config(epochs=2), folder=folder, show=False, device="cpu")
    config = case.config(epochs=3, checkpoint_seconds=3600.0)
    found = fit(resumed, case.split, config, folder=folder, show=False, device="cpu").history
    assert [row["loss"] for row in found] == [row["loss"] for row in expected], "a cut training goes on with other losses"
    batch = case.batch(whole)
    torch.testing.assert_close(_scores(resumed, batch), _scores(whole, batch), rtol=0, atol=0)


CHECKS: tuple[Callable[[Case], None], ...] = (
    config_round_trip, saved_and_loaded, same_seed_same_model, shapes_and_finite, neighbours_do_not_matter,
    candidates_equal_catalogue, vectors_law, imagines_vectors, learns_something, resumes_exactly,
)  # fmt: skip


def check_recommender(
    name: str, check: Callable[[Case], None], *, folder: str | Path, options: Mapping[str, Any] | None = None, epochs: int = 20
) -> None:
    """Run one check on a registered model.

    Parameters
    ----------
    name : str
    check : callable
        One of `CHECKS`.
    folder : path
        Scratch space, empty.
    options : mapping or None
        Options of the model; choose small ones.
    epochs : int
        Epochs in which it should learn something of 48 users and 20 items.

    Raises
    ------
    AssertionError
        With a sentence that says which law is broken.
    """
    tags = MODELS[name].tags
    needs = {what: f"needs-{tag}" in tags for what, tag in (("rewards", "reward"), ("content", "content"), ("repeats", "repeats"))}
    split = _tiny_split(**needs)
    check(Case(name, dict(options or {}), Path(folder), epochs, split))
