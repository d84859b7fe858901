from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.robustness.arena import Ratings, Scale
from reverie.robustness.detection import detection_metrics, draw_labels
from reverie.robustness.detectors.detector import Detector, DetectorInput
from reverie.robustness.detectors.shelf import DETECTORS

World = Callable[..., tuple[DetectorInput, NDArray[np.bool_]]]
SUPERVISED = sorted(name for name, entry in DETECTORS.items() if "supervised" in entry.tags)
CAUGHT = {
    "one-number": "random",
    "pca": "random",
    "user-pca": "random",
    "sequence-likelihood": "random",
    "fraudar": "long",
    "graph-autoencoder": "random",
    "degree-sad": "random",
    "co-detector": "segment",
    "bayes-detector": "segment",
    "semi-sad": "segment",
    "fap": "segment",
    "profile-features": "segment",
}
"""For each detector an attack of the shelf that it must tell from people by a margin; not every detector finds every attack.
Long is a random attack with profiles twice as long as those of people."""
OPTIONS = {
    "one-number": {"number": "item-popularity", "lowest": True},
    "graph-autoencoder": {"dim": 4},
    "bayes-detector": {"steps": 300, "learning_rate": 0.05},
}


def _build(name: str) -> Detector:
    built: Detector = DETECTORS.build(name)(checked(DETECTORS.config(name), OPTIONS.get(name, {}), name))
    return built


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_beats_chance_on_an_attack_and_draws_nothing_else(name: str, attacked: World) -> None:
    inputs, fake = attacked("random", 40) if CAUGHT[name] == "long" else attacked(CAUGHT[name])
    labels = draw_labels(fake, 0.3, 0)
    given = replace(inputs, labels=labels)
    suspicion = _build(name).suspicion(given, 3)
    assert suspicion.shape == (inputs.ratings.n_users,)
    assert suspicion.dtype == np.float64
    assert detection_metrics(suspicion, fake, measured=labels < 0).auc > 0.65
    np.testing.assert_array_equal(suspicion, _build(name).suspicion(given, 3))


@pytest.mark.parametrize("name", sorted(set(DETECTORS) - set(SUPERVISED)))
def test_unsupervised_detectors_do_not_look_at_labels(name: str, attacked: World) -> None:
    inputs, fake = attacked("random")
    given = replace(inputs, labels=fake.astype(np.int8))
    np.testing.assert_array_equal(_build(name).suspicion(inputs, 0), _build(name).suspicion(given, 0))


@pytest.mark.parametrize("name", SUPERVISED)
def test_supervised_detectors_refuse_to_guess(name: str, attacked: World) -> None:
    assert _build(name).supervised
    inputs, fake = attacked("null")
    with pytest.raises(ConfigError, match=f"'{name}' learns from labels, and there are none"):
        _build(name).suspicion(inputs, 0)
    with pytest.raises(ConfigError, match="needs the labels of some fake users"):
        _build(name).suspicion(replace(inputs, labels=draw_labels(fake, 0.3, 0)), 0)


@pytest.mark.parametrize("name", sorted(set(DETECTORS) - set(SUPERVISED)))
def test_without_fakes_unsupervised_detectors_still_rank(name: str, attacked: World) -> None:
    inputs, fake = attacked("null")
    assert not fake.any()
    assert not _build(name).supervised
    found = detection_metrics(_build(name).suspicion(inputs, 0), fake)
    assert np.isnan(found.auc)
    assert found.assumed_share.genuine_lost == found.assumed_share.flagged > 0


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_users_without_ratings_and_data_without_a_scale_are_borne(name: str, attacked: World) -> None:
    inputs, fake = attacked("random")
    matrix = inputs.ratings.matrix.copy()
    matrix.data = np.ones_like(matrix.data)
    keep = np.ones(matrix.shape[0])
    keep[:3] = 0
    thinned = csr_array(matrix.multiply(keep[:, None]))
    thinned.eliminate_zeros()
    ratings = Ratings(csr_array(thinned.astype(np.float32)), Scale(1.0, 1.0, 0.0, 1.0))
    sequences = inputs.sequences.take(np.flatnonzero(inputs.sequences.users > 2))
    suspicion = _build(name).suspicion(DetectorInput(ratings, sequences, draw_labels(fake, 0.3, 0)), 0)
    assert np.isfinite(suspicion).all()


def test_evidence_has_no_place_for_the_truth(attacked: World) -> None:
    inputs, fake = attacked("average")
    assert {field.name for field in fields(DetectorInput)} == {"ratings", "sequences", "labels"}
    assert inputs.labels is None
    assert not any(np.array_equal(values, fake) for values in inputs.sequences.columns.values())


def test_listing_imports_nothing_heavy() -> None:
    program = """
import sys
from reverie.robustness.detectors.shelf import DETECTORS
for name in DETECTORS:
    DETECTORS.config(name)
assert not {"torch", "scipy", "sklearn"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
