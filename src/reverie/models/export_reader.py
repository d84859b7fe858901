"""Reads a folder that `reverie export` wrote, without Reverie. Needs numpy, scipy, polars, safetensors; torch for encoders.

from reader import Exported
print(Exported("exported").recommend(["id of an item", "id of a later one"], k=10))
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from scipy.sparse import csr_array


class Exported:
    """An exported model."""

    def __init__(self, folder: str | Path) -> None:
        """Read the files of a folder."""
        self.folder = Path(folder)
        self.about: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        self.parts = [(part["weight"], Exported(self.folder / part["folder"])) for part in self.about.get("parts", ())]
        if "arrays" in self.about:
            self.arrays = load_file(self.folder / self.about["arrays"])
            rows = tuple(self.arrays[name] for name in ("data", "indices", "indptr"))
            self.matrix = csr_array(rows, shape=(self.about["n_items"],) * 2)
        elif "encoder" in self.about:
            self.table = load_file(self.folder / self.about["item_table"])["items"]

    def scores(self, codes: Sequence[int]) -> Any:
        """Score all N items for one history of item codes 1..N, oldest first."""
        if self.parts:
            each = [(weight, part.scores(codes)) for weight, part in self.parts]
            return sum(weight * (s - s.mean()) / max(s.std(), 1e-12) for weight, s in each)
        if "encoder" in self.about:
            return self.table @ self._encoded(list(codes)[-self.about["history"] :])
        rows = np.asarray(codes, dtype=np.int64)[::-1] - 1
        recency = self.arrays.get("recency")
        rows = np.unique(rows) if recency is None else rows[: len(recency)]
        weights = np.ones(len(rows), dtype=np.float32) if recency is None else recency[: len(rows)]
        alone = not np.diff(self.matrix.indptr)[rows].any()
        return weights @ self.matrix[rows] + self.arrays["always"] + alone * self.arrays["alone"]

    def recommend(self, ids: Sequence[Any], k: int = 10) -> list[Any]:
        """Return the ids of the k best items that are not in the history of ids, oldest first."""
        import polars as pl

        known = pl.read_parquet(self.folder / "items.parquet")["item"].to_list()
        codes = [known.index(one) + 1 for one in ids if one in known]
        scores = self.scores(codes)
        scores[np.array(codes, dtype=np.int64) - 1] = -np.inf
        return [known[at] for at in np.argsort(-scores, kind="stable")[:k]]

    def _encoded(self, codes: list[int]) -> Any:
        length = self.about["history"] if self.about["length"] != "free" else max(len(codes), 1)
        items, lengths = np.zeros((1, length), dtype=np.int64), np.array([len(codes)], dtype=np.int64)
        items[0, : len(codes)] = codes
        if self.about["encoder"].endswith(".onnx"):
            from onnxruntime import InferenceSession

            session = InferenceSession(str(self.folder / self.about["encoder"]))
            return session.run(None, {"items": items, "lengths": lengths})[0][0]
        import torch

        program = torch.export.load(self.folder / self.about["encoder"]).module()
        return program(torch.from_numpy(items), torch.from_numpy(lengths))[0].detach().numpy()
