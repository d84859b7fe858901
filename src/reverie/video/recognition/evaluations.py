"""What was evaluated during a training: predictions of both kinds of weights, kept beside the state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.documents import read_json
from reverie.errors import RunError
from reverie.files import atomic_path, write_json
from reverie.video.recognition.config import CHECKPOINTS, WEIGHTS, Checkpoint, Weights
from reverie.video.recognition.measures import Measures, accuracy, mean_nll, measures
from reverie.video.recognition.predictions import evaluated, predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.video.recognition.batches import ClipBatches
    from reverie.video.recognition.learner import Learner
    from reverie.video.recognition.task import RecognitionTask


class Evaluations:
    """Evaluations of one training, in order.

    Parameters
    ----------
    folder : Path
        Each is ``evaluation-<updates>.npy``, float32 [weights, validation and test clips, K]; ``evaluations.json`` has the rest.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.rows = folder, list[dict[str, Any]]()

    @property
    def last(self) -> str:
        """The last one in few words."""
        row = self.rows[-1]
        return f"loss {row['loss']:.3f}, validation {row['valid_student']:.3f}, of the mean {row['valid_ema']:.3f}"

    def cut(self, step: int) -> None:
        """Take those that were made up to a number of updates; later ones will be made again."""
        path = self.folder / "evaluations.json"
        if path.exists():
            try:
                self.rows = [dict(row) for row in read_json(path) if int(row["step"]) <= step]
            except (KeyError, TypeError, ValueError) as error:
                raise RunError(f"{path} cannot be read; delete {self.folder} and start again") from error

    def add(self, learner: Learner, source: ClipBatches, seed: int, step: int, loss: float) -> None:
        """Evaluate student and mean after an update."""
        task = source.task
        indices, networks = np.concatenate([task.valid, task.test]), (learner.student, learner.mean.network)
        found = [predict(evaluated(network, source, seed), source, indices) for network in networks]
        n, labels = len(task.valid), task.clips.labels[task.valid]
        shares = {f"valid_{name}": accuracy(one[:n], labels) for name, one in zip(WEIGHTS, found, strict=True)}
        shares |= {f"nll_{name}": mean_nll(one[:n], labels) for name, one in zip(WEIGHTS, found, strict=True)}
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(self._path(step)) as temporary, temporary.open("wb") as handle:
            np.save(handle, np.stack(found))
        self.rows.append({"step": step, "loss": loss} | shares)
        write_json(self.folder / "evaluations.json", self.rows)

    def chosen(self, task: RecognitionTask, by: str = "nll") -> dict[tuple[Weights, Checkpoint], Measures]:
        """Return the measures on the test clips, by weights and checkpoint; validation chooses by ``nll`` or ``accuracy``."""
        return {
            (weights, name): one
            for at, weights in enumerate(WEIGHTS)
            for name, one in zip(CHECKPOINTS, self._of(at, weights, task, by), strict=True)
        }

    def curves(self, task: RecognitionTask) -> Mapping[str, list[float]]:
        """Return columns over the evaluations: step, loss, and accuracy on validation and on the test clips by weights."""
        columns = {name: [float(row[name]) for row in self.rows] for name in self.rows[0]}
        tests = np.array([[accuracy(one, self._labels(task)) for one in self._test(row, task)] for row in self.rows])
        return columns | {f"test_{name}": tests[:, at].tolist() for at, name in enumerate(WEIGHTS)}

    def _of(self, at: int, weights: Weights, task: RecognitionTask, by: str) -> list[Measures]:
        """Return the measures of one kind of weights at every checkpoint."""
        labels, classes = self._labels(task), task.clips.classes
        valid = [row[f"valid_{weights}"] if by == "accuracy" else -row[f"nll_{weights}"] for row in self.rows]
        test = [accuracy(self._test(row, task)[at], labels) for row in self.rows]
        rows = (self.rows[-1], self.rows[int(np.argmax(valid))], self.rows[int(np.argmax(test))])
        return [measures(self._test(row, task)[at], labels, classes, int(row["step"])) for row in rows]

    def _labels(self, task: RecognitionTask) -> NDArray[np.int64]:
        labels: NDArray[np.int64] = task.clips.labels[task.test]
        return labels

    def _test(self, row: Mapping[str, Any], task: RecognitionTask) -> NDArray[np.float32]:
        """Return the probabilities of the test clips → [weights, N, K]."""
        found: NDArray[np.float32] = np.load(self._path(int(row["step"])), allow_pickle=False)
        return found[:, len(task.valid) :]

    def _path(self, step: int) -> Path:
        return self.folder / f"evaluation-{step:06d}.npy"
