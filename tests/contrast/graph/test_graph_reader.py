"""TU zips: what is read, and what is said where they are broken."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.contrast.graph.config import GraphTask
from reverie.contrast.graph.graphs import read_tu
from reverie.contrast.graph.task import open_task
from reverie.errors import DataError

FILES = {
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n2, 2\n4, 5\n5, 4\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n1\n2\n2\n3\n",
    "graph_labels": "1\n-1\n1\n",
    "node_labels": "0\n5\n5\n2\n0\n0\n",
    "node_attributes": " 1.0, 4\n 3.0, 4\n 1.0, 4\n 3.0, 4\n 1.0, 4\n 3.0, 4\n",
}


def _zip(folder: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(folder / "TINY.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(f"TINY/TINY_{name}.txt", text)
    return folder


def test_graphs_are_read(tmp_path: Path) -> None:
    data = read_tu("TINY", _zip(tmp_path, FILES))
    graphs = data.graphs
    assert graphs.size == 3
    assert graphs.edges.T.tolist() == [[0, 1], [1, 2], [3, 4]]  # each once, no loop
    assert graphs.graph.tolist() == [0, 0, 0, 1, 1, 2]
    assert data.labels.tolist() == [1, 0, 1]
    assert graphs.features.dtype == torch.float32
    assert graphs.features.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 0, 0]]


def test_attributes_are_standardised(tmp_path: Path) -> None:
    features = read_tu("TINY", _zip(tmp_path, FILES), attributes=True).graphs.features
    assert features[:, 3:].tolist() == [[-1, 0], [1, 0], [-1, 0], [1, 0], [-1, 0], [1, 0]]
    assert features[:, :3].sum() == 6


def test_nodes_with_nothing_have_a_constant(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if not name.startswith("node")}
    for attributes in (False, True):
        assert read_tu("TINY", _zip(tmp_path, files), attributes).graphs.features.tolist() == [[1.0]] * 6


def test_the_hash_is_that_of_the_graphs(tmp_path: Path) -> None:
    found = read_tu("TINY", _zip(tmp_path, FILES)).sha256()
    swapped = FILES | {"A": "2, 1\n1, 2\n3, 2\n2, 3\n5, 4\n4, 5\n"}
    assert read_tu("TINY", _zip(tmp_path, swapped)).sha256() == found
    for name, text in {"A": "1, 2\n", "graph_labels": "1\n1\n-1\n", "node_labels": "0\n5\n5\n2\n0\n2\n"}.items():
        assert read_tu("TINY", _zip(tmp_path, FILES | {name: text})).sha256() != found


BROKEN = {
    "graph_labels.txt is missing": {"graph_labels": None},
    "A names nodes beyond the 6": {"A": "1, 7\n"},
    "A joins nodes of two graphs": {"A": "3, 4\n"},
    "columns instead of 2": {"A": "1, 2, 3\n"},
    "3 graphs of graph_labels": {"graph_indicator": "1\n1\n1\n3\n2\n2\n"},
    "2 graphs of graph_labels": {"graph_labels": "1\n-1\n"},
    "have not the 6 rows": {"node_labels": "0\n5\n"},
    "could not convert": {"node_labels": "0\n5\nC\n2\n0\n0\n"},
    "0 graphs of graph_labels": {"graph_labels": ""},
}


@pytest.mark.parametrize("said", BROKEN)
def test_broken_files_are_told_in_one_sentence(said: str, tmp_path: Path) -> None:
    files = FILES | BROKEN[said]
    _zip(tmp_path, {name: text for name, text in files.items() if text is not None})
    with pytest.raises(DataError, match=said) as error:
        read_tu("TINY", tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'TINY.zip'} is not a whole TU data set (")
    assert str(error.value).endswith("get it again from https://www.chrsmrrs.com/graphkerneldatasets/TINY.zip")
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_zip_is_told(tmp_path: Path) -> None:
    (tmp_path / "TINY.zip").write_text("<html>")
    with pytest.raises(DataError, match="is not a whole TU data set"):
        read_tu("TINY", tmp_path)


def test_missing_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://www.chrsmrrs.com/graphkerneldatasets/MUTAG.zip"
    config = GraphTask(kind="graph", data="MUTAG")
    monkeypatch.delenv("REVERIE_DATA", raising=False)
    with pytest.raises(DataError, match=rf"^graphs 'MUTAG' have no folder: put {url} into .* set REVERIE_DATA to"):
        open_task(config)
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=rf"^graphs 'MUTAG' are not in {tmp_path / 'tudataset'}: put {url} there, .* REVERIE_DATA$"):
        open_task(config)
    with pytest.raises(DataError, match=rf"^graphs 'MUTAG' are not in {tmp_path / 'other'}: put"):
        open_task(config.model_copy(update={"folder": str(tmp_path / "other")}))


def test_a_folder_below_reverie_data_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tudataset").mkdir()
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    twelve = {"graph_indicator": "".join(f"{n}\n" for n in range(1, 13)), "graph_labels": "1\n2\n" * 6, "A": ""}
    _zip(tmp_path / "tudataset", twelve)
    task = open_task(GraphTask(kind="graph", data="TINY", folds=3, inner_folds=2))
    assert task.dataset == "TINY"
    assert task.sha256 == read_tu("TINY", tmp_path / "tudataset").sha256()
    with pytest.raises(DataError, match="the smallest class has 6 graphs, too few for folds=10 with inner_folds=5"):
        open_task(GraphTask(kind="graph", data="TINY"))
    assert np.array_equal(read_tu("TINY").labels, [0, 1] * 6)
