from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from reverie.data.batch import SequenceBatch, history_batch
from reverie.errors import ConfigError
from reverie.evaluation import recommend
from reverie.files import read_json
from reverie.models import create_model
from reverie.models.export import export_model, require_onnx
from reverie.testing.data import tiny_split
from reverie.training import fit

ONNX = all(importlib.util.find_spec(name) is not None for name in ("onnx", "onnxscript", "onnxruntime"))
SHAPES = [(1, 1), (1, 6), (2, 3), (5, 2), (7, 6)]


def histories(rows: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random rows; the first is empty where there are several."""
    generator = torch.Generator().manual_seed(rows * 10 + width)
    lengths = torch.randint(1, width + 1, (rows,), generator=generator)
    if rows > 1:
        lengths[0] = 0
    items = torch.randint(1, 21, (rows, width), generator=generator)
    return items * (torch.arange(width) < lengths[:, None]), lengths


def vectors(model: Any, items: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model.represent(SequenceBatch(items, lengths, torch.full_like(lengths, -1)))


def test_program_gives_the_same_vectors(tmp_path: Path) -> None:
    split = tiny_split()
    model: Any = create_model("sasrec", split, dim=8, history=6)
    manifest = export_model(model, tmp_path)
    assert model.training
    assert manifest == read_json(tmp_path / "manifest.json")
    assert (manifest["dim"], manifest["n_items"], manifest["length"], manifest["format"]) == (8, 20, "free", 1)
    table = load_file(tmp_path / "item_table.safetensors")["items"]
    assert torch.equal(table, model.item_table())
    assert pl.read_parquet(tmp_path / "items.parquet")["item"].equals(split.vocabulary.items)
    program = torch.export.load(tmp_path / "encoder.pt2").module()
    model.eval()
    for shape in SHAPES:
        items, lengths = histories(*shape)
        expected = vectors(model, items, lengths)
        assert torch.allclose(program(items, lengths), expected, atol=1e-5), shape
        scores = model.scores(SequenceBatch(items, lengths, torch.full_like(lengths, -1)))
        assert torch.allclose(program(items, lengths) @ table.T, scores, atol=1e-5), shape


def test_a_model_whose_length_cannot_be_free_is_exported_at_full_length(tmp_path: Path) -> None:
    model: Any = create_model("gru4rec", tiny_split(), dim=8, hidden=8, history=6)
    assert export_model(model, tmp_path)["length"] == 6
    program = torch.export.load(tmp_path / "encoder.pt2").module()
    model.eval()
    for rows in (1, 5):
        items, lengths = histories(rows, 6)
        assert torch.allclose(program(items, lengths), vectors(model, items, lengths), atol=1e-5)


@pytest.mark.skipif(not ONNX, reason="needs onnx, onnxscript and onnxruntime")
def test_onnx_gives_the_same_vectors(tmp_path: Path) -> None:
    from onnxruntime import InferenceSession

    model: Any = create_model("sasrec", tiny_split(), dim=8, history=6)
    assert export_model(model, tmp_path, "onnx")["encoder"] == "encoder.onnx"
    session = InferenceSession(str(tmp_path / "encoder.onnx"))
    model.eval()
    for shape in SHAPES:
        items, lengths = histories(*shape)
        found = session.run(None, {"items": items.numpy(), "lengths": lengths.numpy()})[0]
        np.testing.assert_allclose(found, vectors(model, items, lengths).numpy(), atol=1e-5)


def reader(folder: Path) -> Any:
    """The reader of an exported folder, which stands there as a file of its own."""
    text = (folder / "reader.py").read_text(encoding="utf-8")
    assert "import reverie" not in text
    assert "from reverie" not in text
    spec = importlib.util.spec_from_file_location("reader", folder / "reader.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Exported(folder)


HISTORIES: list[list[int]] = [[], [4], [4, 7, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [20]]
EXPORTED: dict[str, dict[str, Any]] = {
    "popularity": {}, "recent-popularity": {}, "markov": {}, "last-items": {}, "item-knn": {"neighbours": 3},
    "co-occurrence": {"trials": 2}, "ease": {"grid": (10.0,)}, "slim": {"l1": 0.5, "l2": 1.0, "trials": 0},
    "blend": {"parts": [{"name": "co-occurrence", "history": 4}, {"name": "sasrec", "dim": 8, "history": 6}], "weights": (0.3, 1)},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTED)
def test_the_reader_scores_as_the_model_does(name: str, tmp_path: Path) -> None:
    split = tiny_split()
    split = replace(split, train=replace(split.train, items=np.where(split.train.items == 20, 19, split.train.items)))
    model: Any = create_model(name, split, **EXPORTED[name])
    fit(model, split, epochs=1, show=False)
    manifest = export_model(model, tmp_path)
    assert {one.name for one in tmp_path.rglob("*")} >= {"manifest.json", "reader.py", "items.parquet"}
    found = reader(tmp_path)
    for codes in HISTORIES:
        batch = history_batch([np.array(codes, dtype=np.int32)], model.history)
        with torch.no_grad():
            expected = model.eval().scores(batch)[0].numpy() if hasattr(model, "eval") else model.scores(batch)[0].numpy()
        np.testing.assert_allclose(found.scores(codes), expected, rtol=1e-4, atol=1e-5, err_msg=str(codes))
    ids = recommend(model, ["a03", "a06"], k=4)["item"].to_list()
    assert found.recommend(["a03", "a06"], k=4) == ids
    assert manifest["n_items"] == 20


def test_models_and_formats_that_cannot_be_exported(tmp_path: Path) -> None:
    split = tiny_split()
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("vmis-knn", {"trials": 0}, "model 'vmis-knn' are no sums over the items of a history; export sasrec or co-occurrence"),
        ("als", {"trials": 0}, "model 'als' are no sums over the items of a history; export sasrec or co-occurrence"),
        ("ease", {"max_items": 5}, "'ease' covers 5 of 20 items"),
        ("mf", {"dim": 4}, "'mf' neither turns histories into vectors nor sums"),
        ("blend", {"parts": [{"name": "markov"}, {"name": "mf", "dim": 4}]}, "model 'mf' neither"),
    ]
    for name, options, message in refused:
        model = create_model(name, split, **options)
        if name != "mf":
            fit(model, split, epochs=1, show=False, on="train+valid")
        with pytest.raises(ConfigError, match=message):
            export_model(model, tmp_path)
    with pytest.raises(ConfigError, match="format 'pickle' is not known"):
        export_model(create_model("sasrec", split, dim=8), tmp_path, "pickle")  # type: ignore[arg-type]  # what a caller may write
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"ONNX needs onnx and onnxscript; pip install 'reverie\[export\]'"):
        require_onnx()
