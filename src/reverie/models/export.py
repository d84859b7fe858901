"""Export of a trained vector model: its encoder as a torch or ONNX program, and its item table."""

import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

import reverie
from reverie.data.batch import SequenceBatch
from reverie.errors import ConfigError, RunError
from reverie.files import atomic_path, write_json
from reverie.models.store import save_tensors, save_vocabulary
from reverie.protocols import HasVectors, Recommender

Format = Literal["torch", "onnx"]
FORMAT = 1
"""Version of the layout of an exported folder."""
PROGRAMS = {"torch": "encoder.pt2", "onnx": "encoder.onnx"}
"""File of the encoder in each format."""


class Encoder(nn.Module):
    """``represent`` of a model as a function of two tensors."""

    model: Any

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, items: Tensor, lengths: Tensor) -> Tensor:
        """Represent histories of unknown users; items [B, L], lengths [B] → [B, D]."""
        vectors: Tensor = self.model.represent(SequenceBatch(items, lengths, torch.full_like(lengths, -1)))
        return vectors


def export_model(model: Recommender, folder: str | Path, format: Format = "torch") -> dict[str, Any]:
    """Export a vector model: its encoder, item table, ids and a manifest."""
    if format not in PROGRAMS:
        raise ConfigError(f"format '{format}' is not known; use 'torch' or 'onnx'")
    name, into = model.card.name, Path(folder)
    if not isinstance(model, HasVectors) or not isinstance(model, nn.Module):
        raise ConfigError(
            f"model '{name}' does not turn histories into vectors, so there is no encoder to export; export sasrec or another "
            f"vector model, or write its lists with 'reverie recommend --all'"
        )
    if format == "onnx":
        require_onnx()
    training = model.training
    try:
        model.eval()
        with torch.no_grad():
            table = model.item_table().detach().cpu().contiguous().clone()
            program, free = _trace(model, model.history)
        _write_program(program, into / PROGRAMS[format], format)
    finally:
        model.train(training)
    manifest = _manifest(model, format, table.shape[1], free)
    save_tensors({"items": table}, into / "item_table.safetensors")
    save_vocabulary(model.card.vocabulary, into)
    write_json(into / "manifest.json", manifest)
    return manifest


def require_onnx() -> None:
    """Check that ONNX can be written."""
    missing = [package for package in ("onnx", "onnxscript") if importlib.util.find_spec(package) is None]
    if missing:
        raise ConfigError(f"ONNX needs {' and '.join(missing)}; run: pip install onnx onnxscript onnxruntime")


def _trace(model: nn.Module, history: int | None) -> tuple[torch.export.ExportedProgram, bool]:
    """Trace with a free batch size, and a free length where the model's operations allow it, else at its full history."""
    place, batch = next(model.parameters()).device, torch.export.Dim("batch", min=1)
    free = {0: batch, 1: torch.export.Dim("length", min=1, max=history)}
    failure: Exception | None = None
    for width, shape in ((min(4, history or 4), free), (history, {0: batch})):
        if width is None:
            continue
        items = torch.ones((3, width), dtype=torch.int64, device=place)
        lengths = torch.tensor([width, 1, 0], device=place)
        shapes = {"items": shape, "lengths": {0: batch}}
        try:
            with _silence_logging():
                return torch.export.export(Encoder(model), (items, lengths), dynamic_shapes=shapes, strict=True), shape is free
        except Exception as error:  # torch raises many kinds, and each means that it cannot be traced so
            failure = error
    name = model.card.name  # type: ignore[union-attr]  # every recommender has a card
    reason = next(iter(str(failure).strip().splitlines()), type(failure).__name__)
    raise RunError(f"the encoder of model '{name}' cannot be exported ({reason}); export sasrec instead") from failure


@contextlib.contextmanager
def _silence_logging() -> Iterator[None]:
    """Suppress torch's log of a failed attempt."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _write_program(program: torch.export.ExportedProgram, path: Path, format: Format) -> None:
    with atomic_path(path) as temporary:
        if format == "torch":
            with temporary.open("wb") as handle:
                torch.export.save(program, handle)
        else:
            with warnings.catch_warnings(), _silence_logging():
                warnings.simplefilter("ignore")  # torch's exporter uses what torch itself has deprecated
                exported = torch.onnx.export(program, dynamo=True, verbose=False)
            if exported is None:
                raise RunError("torch could not write the encoder as ONNX; export it with --format torch")
            exported.save(temporary, external_data=False)


def _manifest(model: Any, format: Format, dim: int, free: bool) -> dict[str, Any]:
    calls = {
        "torch": "torch.export.load('encoder.pt2').module()(items, lengths) @ load_file('item_table.safetensors')['items'].T",
        "onnx": "InferenceSession('encoder.onnx').run(None, {'items': items, 'lengths': lengths})[0] @ table.T",
    }
    return {
        "format": FORMAT, "reverie": reverie.__version__, "torch": torch.__version__, "model": model.card.name,
        "options": model.card.config.model_dump(mode="json"), "encoder": PROGRAMS[format], "item_table": "item_table.safetensors",
        "n_items": model.card.vocabulary.n_items, "dim": dim, "history": model.history, "length": "free" if free else model.history,
        "inputs": {
            "items": "int64 [B, L], item codes 1..N of the last events, oldest first, 0 behind the end of a row; L is `length`, "
            "or where that is free 1 to `history`",
            "lengths": "int64 [B], real events of each row; 0 for an empty history",
        },
        "output": "float32 [B, D], one vector per history", "codes": "the item in row r of items.parquet, from 0, has code r + 1",
        "normalisation": "none: scores are inner products of vectors and rows of the item table, which hold all biases",
        "users": "unknown: vectors of single users are not part of the encoder", "example": calls[format],
    }  # fmt: skip
