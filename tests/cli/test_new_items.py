"""Items that nobody has clicked: recommended, evaluated and exported from the command line, and what is wrong in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

import reverie as rv
from reverie.data.content import ItemFeatures
from reverie.data.splits.config import split_dataset
from reverie.errors import ReverieError
from reverie.models.new_items import with_new_items
from reverie.models.shelf import MODELS
from reverie.options import Options
from reverie.registry import Entry
from reverie.testing import tiny_dataset
from reverie.training.event_log import keep_log, open_recipe_dataset
from reverie.training.recipe import load_recipe
from reverie.training.run import run_recipe

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.vocabulary import Vocabulary

TRAIN = """name: own
dataset:
  name: {folder}/clicks.csv
  catalog: {folder}/items.csv
  content: {{image: image.npy}}
model:
  name: content-mean
training:
  epochs: 1
"""
NAME = "content-mean"
VALUES = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 20)))[0].astype(np.float32)
"""Features of the items a00 … a19, each orthogonal to all others."""


class ContentMeanConfig(Options):
    modality: str = "image"

    @property
    def modalities(self) -> tuple[str, ...]:
        return (self.modality,)


class ContentMean(nn.Module):
    """Scores items by the product of their features with the mean of those of the history; a table of ids is not read."""

    history, plan = 8, "positions"

    def __init__(self, config: ContentMeanConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.ids = nn.Embedding(vocabulary.n_items + 1, 2)
        self.features = torch.from_numpy(vocabulary.content[config.modality].values)

    def represent(self, batch: SequenceBatch) -> Tensor:
        real = (batch.items > 0).float()
        rows = self.features[(batch.items - 1).clamp(min=0).long()] * real[..., None]
        return rows.sum(1) / real.sum(1, keepdim=True).clamp(min=1) + 0 * self.ids.weight.sum()

    def states(self, batch: SequenceBatch) -> Tensor:
        return self.represent(batch)[:, None].expand(-1, batch.items.shape[1], -1)

    def item_table(self) -> Tensor:
        return self.features

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        found = self.represent(batch) @ self.features.T
        return found if items is None else found.gather(1, (items - 1).clamp(min=0).long())

    def loss(self, batch: Any) -> dict[str, Tensor]:
        return {"loss": (self.ids.weight**2).mean()}


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    tags = frozenset({"learns", "cold-users", "cold-items", "needs-content"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS._entries, NAME, Entry(f"{__name__}:ContentMean", f"{__name__}:ContentMeanConfig", tags=tags))
        yield


def content_model() -> Any:
    features = ItemFeatures(pl.Series([f"a{i:02d}" for i in range(20)]), VALUES)
    split = rv.leave_one_out(rv.with_features(tiny_dataset(), {"image": features}))
    return rv.create_model(NAME, split).eval()


NEW = pl.DataFrame({"item": ["n2", "n1"], "title": ["New two", "New one"]})


@pytest.mark.filterwarnings("ignore:model '.*' is not fitted")
def test_a_new_item_like_a_liked_one_is_recommended() -> None:
    model = content_model()
    grown = with_new_items(model, NEW, {"image": ItemFeatures(pl.Series(["n1", "n2"]), VALUES[[7, 3]] * 2)})
    assert grown.card.vocabulary.items.to_list()[20:] == ["n2", "n1"]
    for liked, new in (("a07", "n1"), ("a03", "n2")):
        found = rv.recommend(grown, [liked], k=3)
        assert found["item"][0] == new
        assert found["title"][0] == f"New {'one' if new == 'n1' else 'two'}"
    old = rv.recommend(model, ["a07", "a03"], k=18).sort("item")
    kept = rv.recommend(grown, ["a07", "a03"], k=20).filter(~pl.col("item").is_in(["n1", "n2"])).sort("item")
    assert kept["item"].equals(old["item"])
    np.testing.assert_array_equal(kept["score"], old["score"])
    twice = with_new_items(grown, pl.DataFrame({"item": ["n3"]}), {"image": ItemFeatures(pl.Series(["n3"]), VALUES[[7]] * 3)})
    assert rv.recommend(twice, ["a07"], k=1)["item"][0] == "n3"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, _registered: None) -> Path:
    """A finished run of the model on features in a file beside its recipe, to be read only."""
    folder = tmp_path_factory.mktemp("own")
    tiny_dataset().events.write_csv(folder / "clicks.csv")
    tiny_dataset().catalog.write_csv(folder / "items.csv")
    np.save(folder / "image.npy", VALUES)
    (folder / "own.yaml").write_text(TRAIN.format(folder=folder))
    run_recipe(load_recipe(str(folder / "own.yaml")), folder / "run", device="cpu", show=False)
    return folder


@pytest.fixture
def run(own: Path) -> Path:
    """The run, with new items in the working folder."""
    NEW.write_csv("new.csv")
    np.save("new.npy", VALUES[[3, 7]] * 2)
    Path("covers").mkdir()
    Path("covers/1.jpg").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    Path("model.bin").write_bytes(np.random.default_rng(0).bytes(9000))
    return own / "run"


def test_files_are_beside_the_recipe_and_needed_once(own: Path, ask: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copytree(own, tmp_path / "own")
    recipe = load_recipe(str(tmp_path / "own" / "own.yaml"))
    assert recipe.dataset.content is not None
    assert recipe.dataset.content["image"].file == str(tmp_path / "own" / "image.npy")
    split = split_dataset(open_recipe_dataset(recipe.dataset), recipe.split)
    np.testing.assert_array_equal(split.vocabulary.content["image"].values, VALUES)
    (tmp_path / "own" / "image.npy").unlink()  # the model has its own
    found = json.loads(ask("recommend", tmp_path / "own" / "run", "--user", "100", "--json").out)
    assert len(found) == 10
    keep_log(tmp_path / "other", recipe.dataset, split.sha256, feedback={"content_sha256": "0"})
    with pytest.raises(ReverieError, match=r"features of the items of .* have changed since the run in"):
        keep_log(tmp_path / "other", recipe.dataset, split.sha256, feedback={"content_sha256": "1"})


def test_rows_are_named_in_a_recipe(own: Path) -> None:
    changed = load_recipe(str(own / "own.yaml"), ["dataset.content.image={file: image.npy, ids: from 1}"])
    assert changed.dataset.content is not None
    assert changed.dataset.content["image"].ids == "from 1"
    with pytest.raises(ReverieError, match="none of the 20 ids of the image features is an item of 'clicks': ids like 1"):
        open_recipe_dataset(changed.dataset)
    with pytest.raises(ReverieError, match=r"dataset\.content\.image"):
        load_recipe(str(own / "own.yaml"), ["dataset.content.image={path: image.npy}"])


def test_new_items_are_recommended_beside_old_ones(run: Path, ask: Callable[..., Any], tmp_path: Path) -> None:
    options = ("--items", "new.csv", "--content", "image=new.npy")
    found = json.loads(ask("recommend", run, "a07", *options, "--json").out)
    assert found[0]["item"] == "n1"
    assert found[0]["title"] == "New one"
    assert len(found) == 10
    assert [row["item"] for row in json.loads(ask("recommend", run, "a07", *options, "--only-new", "--json").out)] == ["n1", "n2"]
    assert json.loads(ask("recommend", run, "New two", *options, "--seen", "remove", "--json").out)[0]["item"] == "a03"
    assert ask("recommend", run, "--all", "lists.csv", *options, "--only-new", "-k", "1").code == 0
    assert pl.read_csv("lists.csv")["item"].is_in(["n1", "n2"]).all()


def test_held_out_items_are_evaluated_on_a_later_log(run: Path, own: Path, ask: Callable[..., Any]) -> None:
    options = ("--items", "new.csv", "--content", "image=new.npy", "--metrics", "recall@1,recall@22", "--json")
    assert "no question has targets among the 2 new items" in " ".join(ask("evaluate", run, *options[:-1]).out.split())
    events = pl.read_csv(own / "clicks.csv")
    times = pl.Series([2_000_000_000, 2_000_000_001, 2_000_000_002])
    more = [pl.DataFrame({"user": u, "item": ["a07", "a07", "n1"], "timestamp": times, "rating": 5.0}) for u in (900, 901)]
    pl.concat([events, *more], how="vertical_relaxed").write_csv("later.csv")
    answer = ask("evaluate", run, *options, "--log", "later.csv", "--seen", "keep")
    assert "has changed since the run" in answer.err
    rows = {(row.get("slice", ""), row["metric"]): row for row in json.loads(answer.out)}
    new = "targets among the 2 new items"
    assert rows["", "recall@1"]["n"] == 50
    assert rows[new, "recall@1"]["n"] == 2
    assert rows[new, "recall@1"]["value"] == 1  # n1 has twice the vector of a07, which the two have clicked


OPTIONS = ["--items", "new.csv", "--content", "image=new.npy"]
BAD: list[tuple[str, list[str], dict[str, Any], str]] = [
    ("recommend", ["--content", "image=new.npy"], {}, "give their table, too, with --items"),
    ("recommend", ["--items", "new.csv", "--content", "image"], {}, "--content image names no file"),
    ("recommend", ["--only-new"], {}, "--only-new recommends the items of --items alone"),
    ("recommend", [*OPTIONS, "--only-new", "--allow", "new.csv"], {}, "give that, and no --allow"),
    ("recommend", ["--items", "missing.csv"], {}, "missing.csv does not exist"),
    ("recommend", ["--items", "new.npy"], {}, "new.npy is an array, and new items need a table of their ids; give that"),
    ("recommend", ["--items", "covers"], {}, "covers/1.jpg is a picture, a video or sound; give a table"),
    ("recommend", ["--items", "model.bin"], {}, "model.bin is neither text nor a table of a known format; save it"),
    ("recommend", ["--items", "new.csv", "--content", "text=new.npy"], {}, "reads no content 'text'; it reads image"),
    ("recommend", OPTIONS, {"items": ["a03", "a07"]}, "has no new item: the model knows all 2 of them already"),
    ("recommend", OPTIONS, {"items": ["n1", "n1"]}, "lists item n1 twice"),
    ("recommend", OPTIONS, {"rows": VALUES[:3]}, "new.npy has 3 rows, and the catalogue has 2 items; give one row for each"),
    ("recommend", OPTIONS, {"rows": VALUES[:2, :5]}, "the image features of the model have 20 numbers an item and the new ones 5"),
    ("recommend", OPTIONS, {"rows": np.full((2, 20), np.nan)}, "the features of item 'n2' hold a value that is not finite"),
    ("export", ["out", "--content", "image=new.npy"], {}, "give their table, too, with --items"),
    ("export", ["out", "--items", "new.csv", "--content", "text=new.npy"], {}, "reads no content 'text'; it reads image"),
    ("evaluate", ["--items", "missing.csv"], {}, "missing.csv does not exist"),
]


@pytest.mark.parametrize(("verb", "options", "files", "sentence"), BAD)
def test_what_is_wrong_with_new_items(
    verb: str, options: list[str], files: dict[str, Any], sentence: str, run: Path, ask: Callable[..., Any]
) -> None:
    if "items" in files:
        pl.DataFrame({"item": files["items"], "title": ["x", "y"]}).write_csv("new.csv")
    np.save("new.npy", files.get("rows", VALUES[:2]))
    answer = ask(verb, run, *(["a07"] if verb == "recommend" else []), *options)
    assert answer.code == 2
    assert sentence in answer.err
    assert answer.err.count("\n") == 1


def test_models_of_ids_say_so(trained: Path, ask: Callable[..., Any]) -> None:
    NEW.write_csv("new.csv")
    answer = ask("recommend", trained, "Tale 03", "--items", "new.csv")
    assert answer.code == 2
    assert (
        "the model 'sasrec' knows items by their ids alone, so it can say nothing of an item that nobody has clicked" in answer.err
    )


def test_what_is_left_out_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    table = pl.DataFrame({"item": ["a03", "n1", "n2"], "title": ["Known", "One", "Two"]})
    some = ItemFeatures(pl.Series(["n1", "a03", "zz"]), VALUES[[7, 3, 4]])
    with caplog.at_level("INFO", "reverie.data"):
        grown = with_new_items(content_model(), table, {"image": some})
    assert grown.card.vocabulary.items.to_list()[20:] == ["n1"]
    assert "1 of 3 ids of the image features (33.3%) match no item of the list of new items, the first is 'zz'" in caplog.text
    assert "the model knows 1 of 3 items already, the first is 'a03'; they stay as they are" in caplog.text
    assert "1 of 2 new items have no content that is read (the model 'content-mean' reads image), the first is 'n2'" in caplog.text


def test_numbers_are_no_ids_of_text() -> None:
    events = tiny_dataset().events.with_columns(pl.col("item").str.slice(1).cast(pl.Int64))
    split = rv.leave_one_out(rv.with_features(rv.Dataset(events), {"image": ItemFeatures(pl.Series(range(20)), VALUES)}))
    model = rv.create_model(NAME, split)
    with pytest.raises(ReverieError, match="the item 'n2' is no id like those of the model, such as 0; correct it"):
        with_new_items(model, NEW, {"image": ItemFeatures(pl.Series(["n1"]), VALUES[:1])})
