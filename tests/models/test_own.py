"""Somebody's own class through everything: fit, evaluate, recommend, compare, attack, save and load."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import reverie as rv
from reverie.data.profiles import Profiles
from reverie.evaluation import Evaluation, paired_test, recommend_all
from reverie.options import Options
from reverie.robustness.defences.defence import Fitting
from reverie.robustness.fits import fit_and_measure
from reverie.testing import CHECKS, check_recommender, tiny_dataset
from reverie.training import TrainingConfig
from reverie.training.comparison import compare_recipes
from reverie.training.recipe import RECIPES

if TYPE_CHECKING:
    from reverie.data.split import Split


@pytest.fixture(scope="module")
def split() -> Split:
    return rv.leave_one_out(tiny_dataset(items=60))


class Mine:
    """The model of a notebook, in fifteen lines: what followed the last event, smoothed by popularity."""

    def __init__(self, smooth: float = 0.1):  # noqa: ANN204
        self.smooth = smooth

    def fit_counts(self, train):  # noqa: ANN001, ANN201
        pairs = [(a, b) for r in range(len(train)) for a, b in zip(train.row(r)[:-1], train.row(r)[1:], strict=True)]
        self.after = np.tile(self.smooth * train.item_counts()[1:].astype(np.float32), (train.vocabulary.n_items + 1, 1))
        np.add.at(self.after, tuple(np.array(pairs).T - [[0], [1]]), 1)

    def scores(self, batch, items=None):  # noqa: ANN001, ANN201
        last = batch.items[torch.arange(batch.size), (batch.lengths - 1).clamp(min=0)]
        whole = torch.from_numpy(self.after)[last]
        return whole if items is None else whole.gather(1, (items - 1).clamp(min=0))


class Stored(Mine):
    def arrays(self) -> dict[str, Any]:
        return {"after": self.after}

    def load_arrays(self, arrays: Any) -> None:
        self.after = np.array(arrays["after"])


class Learned(torch.nn.Module):
    plan, history = "prefixes", 5

    def __init__(self, vocabulary: Any, dim: int = 16) -> None:
        super().__init__()
        self.dim, self.items = dim, torch.nn.Embedding(vocabulary.n_items + 1, dim, padding_idx=0)

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        mean = self.items(batch.items).sum(dim=1) / batch.lengths.clamp(min=1)[:, None]
        whole = mean @ self.items.weight[1:].T
        return whole if items is None else whole.gather(1, (items - 1).clamp(min=0))

    def loss(self, batch: Any) -> dict[str, torch.Tensor]:
        return {"loss": torch.nn.functional.cross_entropy(self.scores(batch), batch.targets - 1)}


class Flat:
    """Nothing but scores, and no fit."""

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        return torch.zeros(batch.size, 60) if items is None else torch.zeros(items.shape)


def test_a_model_of_a_notebook_goes_through_everything(split: Split) -> None:
    model, usual = Mine(), rv.create_model("markov", split)
    for one in (model, usual):
        rv.fit(one, split, show=False)
    measured, other = (rv.evaluate(one, split.test, train=split.train) for one in (model, usual))
    assert measured.model == "Mine"
    assert measured.value("ndcg@10") > rv.evaluate(Flat(), split.test).value("ndcg@10") + 0.2
    assert paired_test(measured, other, ["ndcg@10"])["n"].item() == len(split.test)
    listed = rv.recommend(model, ["a00", "a03"], k=3)
    assert listed["item"].to_list()[0] == "a06"
    assert recommend_all(Flat(), split.refit, k=2).height == 2 * len(split.refit)  # type: ignore[arg-type]
    attacked = rv.attack(model, split, users=6, candidates=12, pool=4, events=1, draw=2)
    assert attacked.rows[-1].hit.value >= attacked.rows[0].hit.value
    assert str(attacked).count("\n") == len(attacked.rows)


def test_codes_are_those_of_the_first_data_and_ids_after_that(split: Split) -> None:
    model = Mine()
    rv.fit(model, split, show=False)
    other = rv.leave_one_out(tiny_dataset(items=70, seed=3))
    again = rv.create_model("popularity", other)
    assert model.card.vocabulary is split.vocabulary  # type: ignore[attr-defined]
    assert rv.evaluate(model, other.test).n_items == again.card.vocabulary.n_items
    assert rv.adopt(model, other.vocabulary).card.vocabulary is split.vocabulary


@pytest.mark.parametrize(
    "check", [c for c in CHECKS if c.__name__ in ("config_round_trip", "saved_and_loaded")], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("cls", [Stored, Learned])
def test_conformance_of_a_registered_class(cls: type, check: Callable[[Any], None], tmp_path: Path) -> None:
    rv.register_model("mine", cls, summary="of a notebook")
    check_recommender("mine", check, folder=tmp_path)


def test_a_registered_class_is_compared_and_its_options_are_checked(split: Split, tmp_path: Path) -> None:
    rv.register_model("mine", Stored)
    rv.register_model("kept", Mine)
    assert {"mine", "kept"} <= set(rv.list_models())
    assert rv.create_model("mine", split, smooth=2).smooth == 2  # type: ignore[attr-defined]
    for options, said in (({"smoth": 1.0}, "did you mean 'smooth'"), ({"smooth": "much"}, "must be a number")):
        with pytest.raises(rv.ReverieError, match=said):
            rv.create_model("mine", split, **options)
    tiny = tmp_path / "log.csv"
    tiny_dataset().events.write_csv(tiny)
    recipes = [
        RECIPES.parse({"name": n, "dataset": {"name": str(tiny)}, "model": {"name": n}}, n) for n in ("mine", "kept", "markov")
    ]
    done = compare_recipes(recipes, tmp_path / "runs", show=False)
    assert {run.recipe.name for run in done.runs} == {"mine", "markov"}
    assert done.skipped["kept"].startswith("Mine has no arrays, which save_model needs")
    assert done.runs[0].model().card.name in ("mine", "markov")


def test_a_registered_class_is_a_victim_of_attacks_with_profiles(split: Split, tmp_path: Path) -> None:
    rv.register_model("mine", Stored)
    targets = np.array([3], dtype=np.int32)
    fake = Profiles(np.tile(np.array([1, 3], dtype=np.int32), 30), np.ones(60, dtype=np.float32), np.arange(0, 61, 2))
    shown = []
    for poisoned in (split, split.append(fake)):
        fitting = Fitting("mine", {"smooth": 0.5}, poisoned)
        fit_and_measure(tmp_path / str(len(shown)), lambda f=fitting: f, split, TrainingConfig(), targets, True, "cpu")  # type: ignore[misc]
        shown.append(Evaluation.load(tmp_path / str(len(shown)) / "shown").value("recall@10"))
    assert shown[1] > shown[0]


def test_what_is_stored_comes_back(split: Split, tmp_path: Path) -> None:
    model = Stored(smooth=0.7)
    rv.fit(model, split, show=False)
    rv.save_model(model, tmp_path / "own")
    again = rv.load_model(tmp_path / "own", cls=Stored)
    assert again.smooth == 0.7  # type: ignore[attr-defined]
    assert rv.recommend(again, ["a00"]).equals(rv.recommend(model, ["a00"]))
    with pytest.raises(rv.ReverieError, match=r"if it is your own, give its class, load_model"):
        rv.load_model(tmp_path / "own")
    rv.register_model("Stored", Stored)
    assert rv.recommend(rv.load_model(tmp_path / "own"), ["a00"]).equals(rv.recommend(model, ["a00"]))


def test_a_reranked_own_model_is_stored_and_given_its_class(split: Split, tmp_path: Path) -> None:
    model = Stored(smooth=0.7)
    rv.fit(model, split, show=False)
    varied = rv.rerank(model, "popularity", split, trade=0.1)
    rv.save_model(varied, tmp_path)
    again = rv.load_model(tmp_path, cls=Stored)
    assert again.base.smooth == 0.7  # type: ignore[attr-defined]
    assert rv.recommend(again, ["a00"]).equals(rv.recommend(varied, ["a00"]))
    assert "Stored" not in rv.list_models()
    with pytest.raises(rv.ReverieError, match=r"if it is your own, give its class, load_model"):
        rv.load_model(tmp_path)
    rv.register_model("Stored", Stored)
    assert rv.recommend(rv.load_model(tmp_path), ["a00"]).equals(rv.recommend(varied, ["a00"]))


class Deaf(Stored):
    def load_arrays(self, arrays: Any) -> None:
        self.after = arrays["before"]


def _stored(split: Split, folder: Path) -> Path:
    model = Stored()
    rv.fit(model, split, show=False)
    rv.save_model(model, folder)
    return folder


@pytest.mark.parametrize(
    ("cls", "said"),
    [
        (5, "cls=5 is no class; write rv.load_model(folder, cls=Mine)"),
        ("Stored", "cls='Stored' is no class"),
        (dict, "dict has no scores(batch, items=None)"),
        (Deaf, "holds the arrays after, which Deaf.load_arrays does not take (KeyError: 'before'); give the class"),
        (Learned, "unknown option 'smooth'"),
    ],
)
def test_another_class_than_the_stored_one_is_refused(cls: Any, said: str, split: Split, tmp_path: Path) -> None:
    with pytest.raises(rv.ReverieError, match=re.escape(said)):
        rv.load_model(_stored(split, tmp_path), cls=cls)


def test_a_class_is_for_own_models_and_a_folder_is_a_path(split: Split, tmp_path: Path) -> None:
    model = rv.create_model("popularity", split)
    rv.fit(model, split, show=False)
    rv.save_model(model, tmp_path)
    with pytest.raises(rv.ReverieError, match=r"holds 'popularity', which is no class of your own; leave out cls="):
        rv.load_model(tmp_path, cls=Stored)
    with pytest.raises(rv.ReverieError, match=r"None is no folder; write rv.load_model"):
        rv.load_model(None)  # type: ignore[arg-type]
    with pytest.raises(rv.ReverieError, match=r"the model is due, which comes first: rv.save_model\(model, folder\)"):
        rv.save_model(str(tmp_path), model)  # type: ignore[arg-type]


class Forgets(Stored):
    def __init__(self, power: float = 1.0) -> None:
        super().__init__()


TABLE = np.zeros(3)


class Odd(Stored):
    def __init__(self, table: Any = TABLE) -> None:
        super().__init__()
        self.table = table


class Configured(Stored):
    def __init__(self, config: Any, vocabulary: Any) -> None:
        super().__init__()


class Frozen:
    __slots__ = ()

    def scores(self, batch: Any, items: Any = None) -> Any: ...


class Numbers(Flat):
    def scores(self, batch: Any, items: Any = None) -> Any:
        return [[0.0] * 60]


class Sklearn(Flat):
    def fit(self, train: Any) -> None: ...


class Planless(Learned):
    plan = None  # type: ignore[assignment]


class Unread(Learned):
    history = None  # type: ignore[assignment]


def _save(model: Any, split: Split, folder: Path) -> None:
    rv.save_model(rv.adopt(model, split.vocabulary), folder)


SAID: dict[str, tuple[Callable[[Split, Path], Any], str]] = {
    "a class": (lambda s, p: rv.evaluate(Mine, s.test), r"Mine is a class, not a model; make an object of it: Mine\(\)"),  # type: ignore[arg-type]
    "a name": (lambda s, p: rv.evaluate("ease", s.test), r"'ease' is a name, not a model; make one with create_model\('ease'"),  # type: ignore[arg-type]
    "no scores": (lambda s, p: rv.evaluate(object(), s.test), r"object has no scores\(batch, items=None\)"),  # type: ignore[arg-type]
    "fitted": (lambda s, p: rv.evaluate(rv.fit(rv.create_model("popularity", s), s), s.test), "give that model, not a Fitted"),  # type: ignore[arg-type]
    "slots": (lambda s, p: rv.evaluate(Frozen(), s.test), "Frozen takes no attributes 'card' and 'history'"),  # type: ignore[arg-type]
    "lists": (lambda s, p: rv.evaluate(Numbers(), s.test), "returned list as scores; return a torch tensor"),  # type: ignore[arg-type]
    "no card": (lambda s, p: rv.recommend(Mine(), ["a00"]), "Mine has no card, which tells recommend what the codes"),  # type: ignore[arg-type]
    "fit": (lambda s, p: rv.fit(Sklearn(), s), r"Sklearn has fit, which rv.fit does not call; name it fit_counts\(train\)"),  # type: ignore[arg-type]
    "plan": (lambda s, p: rv.fit(Planless(s.vocabulary), s), "unknown plan of batches 'None'"),  # type: ignore[arg-type]
    "history": (lambda s, p: rv.fit(Unread(s.vocabulary), s), "plan = 'prefixes' needs a history"),  # type: ignore[arg-type]
    "no arrays": (lambda s, p: _save(Mine(), s, p), "Mine has no arrays, which save_model needs: arrays()"),
    "unsaid": (lambda s, p: _save(Forgets(), s, p), "Forgets does not keep 'power', which its constructor"),
    "no JSON": (lambda s, p: _save(Odd(), s, p), "the options of Odd cannot be written as JSON"),
    "needs config": (lambda s, p: _save(Configured(None, None), s, p), "Configured"),
    "an object": (lambda s, p: rv.register_model("mine", Mine()), "registered by its class, not by an object"),  # type: ignore[arg-type]
    "taken": (lambda s, p: rv.register_model("sasrec", Mine), "'sasrec' is a model of Reverie or of an installed package"),
    "a path": (lambda s, p: rv.register_model("../mine", Mine), "cannot name a model"),
    "no model": (lambda s, p: rv.register_model("mine", Options), r"Options has no scores"),
    "config": (lambda s, p: rv.register_model("mine", Mine, dict), "must be a class made from reverie.options.Options"),  # type: ignore[arg-type]
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_what_is_missing_is_one_sentence(case: str, split: Split, tmp_path: Path) -> None:
    call, said = SAID[case]
    with pytest.raises(rv.ReverieError, match=re.escape(said) if "(" in said and "\\" not in said else said) as caught:
        call(split, tmp_path / "none")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "none").exists()
