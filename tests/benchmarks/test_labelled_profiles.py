from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reverie.errors import ConfigError, DataError
from reverie.robustness.detectors.shelf import DETECTORS

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("labelled_profiles", None)
    import labelled_profiles

    yield labelled_profiles
    sys.modules.pop("labelled_profiles", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Spammers who rate the same few items highest, and people who do not."""
    rng = np.random.default_rng(0)
    lines, labels = ["u1\ti00\t1.0", "u1\ti00\t5.0"], ["nobody\t1"]
    for u in range(80):
        spam = u % 4 == 0
        items = rng.choice(12 if spam else 40, 6, replace=False)
        lines += [f"u{u}\ti{i:02d}\t{5.0 if spam else float(rng.integers(1, 6))}" for i in items]
        labels.append(f"u{u}\t{int(spam)}")
    (tmp_path / "profiles.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "labels.tsv").write_text("\n".join(labels) + "\n")
    return tmp_path


def test_profiles_are_read_as_they_stand(script: Any, folder: Path) -> None:
    inputs, fake = script.read_labelled_profiles(folder)
    users = inputs.sequences.vocabulary.users.to_list()
    assert inputs.ratings.matrix.shape == (80, 40)
    assert users == sorted(f"u{u}" for u in range(80))
    assert [users[u] for u in np.flatnonzero(fake)] == sorted(f"u{u}" for u in range(0, 80, 4))
    assert inputs.ratings.matrix.toarray()[users.index("u1"), 0] in (*range(1, 6),)
    assert inputs.ratings.scale.threshold == 4.0
    assert inputs.labels is None
    dense = inputs.ratings.matrix.toarray()
    for r, u in enumerate(inputs.sequences.users):
        own = inputs.sequences.row(r)
        assert set(own - 1) == set(np.flatnonzero(dense[u] >= 4))


def test_of_a_repeated_pair_the_last_rating_counts(script: Any, tmp_path: Path) -> None:
    (tmp_path / "profiles.tsv").write_text("a\tx\t1\nb\tx\t3\na\tx\t5\n")
    (tmp_path / "labels.tsv").write_text("a\t1\nb\t0\n")
    inputs, _ = script.read_labelled_profiles(tmp_path)
    np.testing.assert_array_equal(inputs.ratings.matrix.toarray(), [[5.0], [3.0]])


@pytest.mark.parametrize(
    ("profiles", "labels", "said"),
    [
        ("a\tx\t1\n", "b\t1\n", "no label for user a"),
        ("a\tx\t1\n", "a\t2\n", "1 .spam. or 0"),
        ("a\tx\t1\n", "a\t1\na\t1\n", "each user once"),
        ("a\tx\tgood\n", "a\t1\n", "without a rating"),
    ],
)
def test_bad_files_are_told_in_a_sentence(script: Any, tmp_path: Path, profiles: str, labels: str, said: str) -> None:
    (tmp_path / "profiles.tsv").write_text(profiles)
    (tmp_path / "labels.tsv").write_text(labels)
    with pytest.raises(DataError, match=said):
        script.read_labelled_profiles(tmp_path)


def test_the_folder_is_found_by_the_environment(script: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVERIE_DATA", raising=False)
    with pytest.raises(DataError, match="set REVERIE_DATA"):
        script.labelled_folder()
    monkeypatch.setenv("REVERIE_DATA", str(folder))
    with pytest.raises(DataError, match=r"profiles\.tsv"):
        script.labelled_folder()
    (folder / "shilling").mkdir()
    (folder / "shilling" / "mine").symlink_to(folder)
    assert script.read_labelled_profiles(script.labelled_folder("mine"))[1].sum() == 20


def test_a_table_of_all_detectors(script: Any, folder: Path) -> None:
    inputs, fake = script.read_labelled_profiles(folder)
    rows = {row.detector: row for row in script.detector_table(inputs, fake, known=0.3, assumed=0.2, resamples=8)}
    assert set(rows) == set(script.every_detector())
    assert set(DETECTORS) == {name.partition(":")[0] for name in rows}
    assert {(row.figures.users, row.figures.fakes) for row in rows.values()} == {(56, 14)}
    for row in rows.values():
        values = row.figures.values()
        assert set(values) == set(row.low) == set(row.high)
        assert all(row.low[n] <= row.high[n] for n in values)
        assert row.low["auc"] - 0.1 <= values["auc"] <= row.high["auc"] + 0.1
    assert rows["one-number:mean-rating"].figures.auc > 0.95
    assert rows["profile-features"].figures.auc > 0.85
    again = script.detector_table(inputs, fake, {"fap": ("fap", {})}, known=0.3, assumed=0.2, resamples=8)[0]
    assert (again.figures, again.low, again.high) == (rows["fap"].figures, rows["fap"].low, rows["fap"].high)


def test_mistakes_are_told(script: Any, folder: Path) -> None:
    inputs, fake = script.read_labelled_profiles(folder)
    with pytest.raises(ConfigError, match=r"unknown detector 'pcs'.*did you mean 'pca'"):
        script.detector_table(inputs, fake, {"x": ("pcs", {})})
    with pytest.raises(ConfigError, match="detector 'pca': unknown option 'component'"):
        script.detector_table(inputs, fake, {"x": ("pca", {"component": 2})})
    with pytest.raises(ConfigError, match=r"learns from labels|needs the labels of some fake"):
        script.detector_table(inputs, np.zeros_like(fake), {"x": ("fap", {})})


def test_the_interval_covers_what_users_drawn_anew_would_give(script: Any) -> None:
    rng, inside = np.random.default_rng(0), 0
    for seed in range(30):
        fake = np.arange(150) < 40
        low, high = script.bootstrap(rng.normal(size=150) + fake, fake, 0.1, 60, seed)
        inside += low["auc"] <= 0.7602 <= high["auc"]  # Φ(1 / √2)
    assert 24 <= inside <= 30
