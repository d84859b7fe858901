"""Export of a trained model: its encoder as a torch or ONNX program and its item table, or its matrix of items by items."""

import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

import reverie
from reverie.data.batch import SequenceBatch
from reverie.errors import ConfigError, RunError
from reverie.files import atomic_path, write_json, write_text
from reverie.models import export_reader
from reverie.models.item_to_item import FILE, HasItemMatrix, describe_matrix
from reverie.models.store import save_tensors, save_vocabulary
from reverie.nn.heads import IdTable
from reverie.protocols import Blends, HasVectors, Recommender

Format = Literal["torch", "onnx"]
FORMAT = 1
"""Version of the layout of an exported folder."""
PROGRAMS = {"torch": "encoder.pt2", "onnx": "encoder.onnx"}
"""File of the encoder in each format."""
SUMMED = "the sum over parts of weight (s - mean) / std, s the part's scores of a history, mean and std over the catalogue"
Prepared: TypeAlias = tuple[dict[str, Any], Callable[[Path], None]]


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
    """Export a model with ids, manifest and reader: an encoder and its item table, a matrix of items, or the parts of a blend."""
    if format not in PROGRAMS:
        raise ConfigError(f"format '{format}' is not known; use 'torch' or 'onnx'")
    into = Path(folder)
    manifest, write = _prepare(model, format)
    write(into)
    save_vocabulary(replace(model.card.vocabulary, content={}), into)
    write_text(into / "reader.py", Path(export_reader.__file__).read_text(encoding="utf-8"))
    return manifest


def _prepare(model: Recommender, format: Format) -> Prepared:
    """Return the manifest of a model, and what writes it into a folder; a model that cannot be exported is refused."""
    files: dict[str, dict[str, Tensor]] = {}
    parts: dict[str, Prepared] = {}
    program = None
    if isinstance(model, Blends):
        parts = {f"part-{number + 1}": _prepare(part, format) for number, part in enumerate(model.parts)}
        said = [
            {"folder": name, "weight": weight, "model": part.card.name}
            for name, weight, part in zip(parts, model.weights, model.parts, strict=True)
        ]
        own: dict[str, Any] = {"kind": "blend", "parts": said, "scores": SUMMED}
    elif isinstance(model, HasVectors) and isinstance(model, nn.Module):
        own, table, program = _encoder(model, format)
        files = {own["item_table"]: {"items": table}}
    elif isinstance(model, HasItemMatrix):
        found = model.item_to_item()
        own, files = dict(describe_matrix(found)), {FILE: {name: torch.from_numpy(one) for name, one in found.arrays().items()}}
    else:
        raise ConfigError(
            f"model '{model.card.name}' neither turns histories into vectors nor sums over their items, so there is nothing to "
            f"export; export sasrec or co-occurrence, or write its lists with 'reverie recommend --all'"
        )
    manifest = _common(model) | own

    def write(into: Path) -> None:
        for name, (_, write_part) in parts.items():
            write_part(into / name)
        if program is not None:
            _write_program(program, into / PROGRAMS[format], format)
        for name, tensors in files.items():
            save_tensors(tensors, into / name)
        write_json(into / "manifest.json", manifest)

    return manifest, write


def _encoder(model: Any, format: Format) -> tuple[dict[str, Any], Tensor, torch.export.ExportedProgram]:
    """Return what a manifest says of an encoder, its item table [N, D] and its program."""
    if format == "onnx":
        require_onnx()
    training = model.training
    try:
        model.eval()
        with torch.no_grad(), _plain_table(model):
            table = model.item_table().detach().cpu().contiguous().clone()
            program, free = _trace(model, model.history)
    finally:
        model.train(training)
    return _describe_encoder(model, format, table.shape[1], free), table, program


@contextlib.contextmanager
def _plain_table(model: Any) -> Iterator[None]:
    """Put the table of item vectors in the place of an encoder of content, which a program need not hold."""
    encoder = getattr(model, "encoder", None)
    if encoder is None or not hasattr(encoder, "table") or isinstance(encoder, IdTable):
        yield
        return
    table = encoder.table().detach()
    model.encoder = IdTable(*table.shape).to(table)
    model.encoder.weight.copy_(table)
    try:
        yield
    finally:
        model.encoder = encoder


def require_onnx() -> None:
    """Check that ONNX can be written."""
    missing = [package for package in ("onnx", "onnxscript") if importlib.util.find_spec(package) is None]
    if missing:
        raise ConfigError(f"ONNX needs {' and '.join(missing)}; pip install 'reverie[export]'")


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


def _common(model: Recommender) -> dict[str, Any]:
    return {
        "format": FORMAT, "reverie": reverie.__version__, "torch": torch.__version__, "model": model.card.name,
        "options": model.card.config.model_dump(mode="json"), "n_items": model.card.vocabulary.n_items, "history": model.history,
        "codes": "the item in row r of items.parquet, from 0, has code r + 1",
    }  # fmt: skip


def _describe_encoder(model: Any, format: Format, dim: int, free: bool) -> dict[str, Any]:
    calls = {
        "torch": "torch.export.load('encoder.pt2').module()(items, lengths) @ load_file('item_table.safetensors')['items'].T",
        "onnx": "InferenceSession('encoder.onnx').run(None, {'items': items, 'lengths': lengths})[0] @ table.T",
    }
    return {
        "kind": "encoder", "encoder": PROGRAMS[format], "item_table": "item_table.safetensors", "dim": dim,
        "length": "free" if free else model.history,
        "inputs": {
            "items": "int64 [B, L], item codes 1..N of the last events, oldest first, 0 behind the end of a row; L is `length`, "
            "or where that is free 1 to `history`",
            "lengths": "int64 [B], real events of each row; 0 for an empty history",
        },
        "output": "float32 [B, D], one vector per history",
        "normalisation": "none: scores are inner products of vectors and rows of the item table, which hold all biases",
        "users": "unknown: vectors of single users are not part of the encoder", "example": calls[format],
    }  # fmt: skip
