"""State of a training: best weights, early stopping, checkpoints; its log, and TensorBoard beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, PositiveInt

from reverie.documents import read_as, read_json, read_tensors, regular
from reverie.errors import ReverieError, RunError
from reverie.files import atomic_path, check_digests, check_seal, sealed, sha256, write_json, write_text

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.utils.tensorboard import SummaryWriter

    from reverie.training.optimiser import Optimisers


@dataclass
class Best:
    """The best validation so far, and the weights that gave it."""

    patience: int
    value: float = float("-inf")
    epoch: int = 0
    waited: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def exhausted(self) -> bool:
        """Whether training should stop."""
        return self.waited >= self.patience

    def update(self, value: float, epoch: int, model: torch.nn.Module) -> None:
        """Take note of a validation; NaN, a metric that is not defined on these queries, is neither better nor worse."""
        if value != value:
            return
        if value > self.value:
            self.value, self.epoch, self.waited = value, epoch, 0
            self.weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        else:
            self.waited += 1

    def numbers(self) -> dict[str, Any]:
        """Return everything but the weights, for a JSON state."""
        value = None if self.epoch == 0 else self.value
        return {"patience": self.patience, "value": value, "epoch": self.epoch, "waited": self.waited}


_MODEL, _OPTIMISER, _BEST = "model/", "optimiser/", "best/"


@dataclass(frozen=True)
class BestFacts:
    """The best validation in ``state.json``."""

    value: FiniteFloat | None
    epoch: NonNegativeInt
    waited: NonNegativeInt


@dataclass(frozen=True)
class StateFacts:
    """What ``state.json`` must hold."""

    epoch: NonNegativeInt
    step: NonNegativeInt
    seconds: NonNegativeFloat
    best: BestFacts
    tensors: Annotated[str, Field(pattern=r"^tensors-[0-9]+-[0-9]+\.safetensors$")]
    partial: FiniteFloat = 0.0
    processor: NonNegativeFloat = 0.0
    scale: NonNegativeFloat = 1.0
    processes: PositiveInt = 1


def save_state(
    folder: Path, model: torch.nn.Module, optimisers: Optimisers, best_weights: dict[str, Tensor], numbers: dict[str, Any]
) -> None:
    """Write everything that a resumed training needs."""
    from safetensors.torch import save_file

    tensors = {_MODEL + name: value for name, value in model.state_dict().items()}
    tensors |= {_BEST + name: value for name, value in best_weights.items()}
    tensors |= {_OPTIMISER + name: value for name, value in optimisers.state().items()}
    name = f"tensors-{numbers['epoch']}-{numbers['step']}.safetensors"
    with atomic_path(folder / name) as temporary:
        save_file({key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, temporary)
    about = numbers | {"tensors": name, "sha256": sha256(folder / name)}
    write_json(folder / "state.json", sealed(about))
    for old in folder.glob("tensors-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def load_state(folder: Path, model: torch.nn.Module, optimisers: Optimisers) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Read a state back into a model and its optimiser."""
    if not (folder / "state.json").exists():
        return None
    remedy = f"delete {folder.parent} and start again"
    known = read_as(StateFacts, folder / "state.json", remedy, RunError)
    numbers: dict[str, Any] = read_json(folder / "state.json")
    name = str(numbers["tensors"])
    if name != f"tensors-{numbers['epoch']}-{numbers['step']}.safetensors":
        raise RunError(f"{folder / 'state.json'} names tensors of another epoch or step; {remedy}")
    check_seal(numbers, folder / "state.json", remedy, RunError)
    check_digests(folder, {name: numbers["sha256"]} if "sha256" in numbers else {}, remedy, RunError)
    tensors = read_tensors(folder / name, remedy)
    best, own = _under(tensors, _BEST), model.state_dict()
    try:
        if best and {name: value.shape for name, value in best.items()} != {name: value.shape for name, value in own.items()}:
            raise RuntimeError("the best weights are of another model")
        model.load_state_dict(_under(tensors, _MODEL))
        optimisers.load(_under(tensors, _OPTIMISER))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"the checkpoint in {folder} is damaged or belongs to another model; {remedy}") from error
    return asdict(known) | numbers, best


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


class MetricsLog:
    """A log of one row per epoch, cut back to the checkpoint when a run resumes."""

    def __init__(self, folder: Path | None, epochs_done: int = 0) -> None:
        self.rows: list[dict[str, Any]] = []
        self._path = None if folder is None else folder / "metrics.jsonl"
        self._writer: SummaryWriter | None = None
        if self._path is None or folder is None:
            return
        if self._path.exists():
            *whole, _ = regular(self._path).read_bytes().split(b"\n")  # the last line may be cut
            self.rows = [row for number, line in enumerate(whole, 1) if (row := self._row(number, line))["epoch"] <= epochs_done]
        write_text(self._path, "".join(json.dumps(row) + "\n" for row in self.rows))
        self._tensorboard = folder / "tensorboard"

    def _row(self, number: int, line: bytes) -> dict[str, Any]:
        """Return a line as a row of the log."""
        path = Path(f"{self._path}, line {number}")
        row = read_json(path, line, undefined=True)
        numbers = isinstance(row, dict) and all(type(value) in (int, float) for value in row.values())
        if not numbers or type(row.get("epoch")) is not int or row["epoch"] < 1:
            raise RunError(f"{path} is no row of numbers with its epoch; delete {path.parent} and start again")
        return dict(row)

    def add(self, row: dict[str, Any]) -> None:
        """Append one row."""
        self.rows.append(row)
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(row) + "\n")
        except OSError as error:
            raise ReverieError(f"cannot write {self._path}: {error.strerror}; free some space and run again") from error
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._tensorboard), purge_step=row["epoch"])
        for name, value in row.items():
            if name != "epoch" and isinstance(value, int | float):
                self._writer.add_scalar(name, value, row["epoch"])

    def close(self) -> None:
        """Flush and close TensorBoard's file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
