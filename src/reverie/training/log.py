"""Training log: metrics.jsonl, and TensorBoard beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.errors import ReverieError
from reverie.files import write_text

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class MetricsLog:
    """A log of one row per epoch, cut back to the checkpoint when a run resumes."""

    def __init__(self, folder: Path | None, epochs_done: int = 0) -> None:
        self.rows: list[dict[str, Any]] = []
        self._path = None if folder is None else folder / "metrics.jsonl"
        self._writer: SummaryWriter | None = None
        if self._path is None or folder is None:
            return
        if self._path.exists():
            whole = [line for line in self._path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
            self.rows = [row for row in map(json.loads, whole) if row["epoch"] <= epochs_done]
        write_text(self._path, "".join(json.dumps(row) + "\n" for row in self.rows))
        self._tensorboard = folder / "tensorboard"

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
