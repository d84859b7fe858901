"""Who is mixed with whom."""

from typing import Any

import pytest
import torch

from reverie.errors import DataError
from reverie.video.mixing import create_mixer
from reverie.video.mixing.partners import choose_partners

LABELS = torch.eye(3)[[0, 0, 1, 1, 1, 2]]


def drawn(rule: Any, labels: torch.Tensor = LABELS, features: torch.Tensor | None = None) -> list[list[int]]:
    generator = torch.Generator().manual_seed(0)
    return [choose_partners(rule, labels, features, generator).tolist() for _ in range(60)]


def test_random_partners_are_permutations() -> None:
    seen = drawn("random")
    assert all(sorted(partners) == list(range(6)) for partners in seen)
    assert len({tuple(partners) for partners in seen}) > 30


def test_partners_of_a_class_are_others_of_it_and_a_lonely_clip_takes_any() -> None:
    seen = [set(column) for column in zip(*drawn("same-class"), strict=True)]
    assert seen == [{1}, {0}, {3, 4}, {2, 4}, {2, 3}, {0, 1, 2, 3, 4}]


def test_partners_of_other_classes_are_never_of_the_same() -> None:
    seen = [set(column) for column in zip(*drawn("other-class"), strict=True)]
    assert seen == [{2, 3, 4, 5}, {2, 3, 4, 5}, {0, 1, 5}, {0, 1, 5}, {0, 1, 5}, {0, 1, 2, 3, 4}]


def test_partners_by_features_are_the_nearer_or_farther_quarter() -> None:
    places = torch.tensor([0.0, 1.0, 1.5, 10.0, 11.0, 30.0, 31.0, 50.0, 52.0])
    features = places[:, None, None, None, None].expand(9, 2, 4, 3, 3)
    labels = torch.eye(9)
    distance = (places[:, None] - places[None]).abs().fill_diagonal_(float("inf"))
    nearer = [set(row.argsort()[:2].tolist()) for row in distance]
    distance.fill_diagonal_(-1)
    farther = [set(row.argsort(descending=True)[:2].tolist()) for row in distance]
    assert [set(column) for column in zip(*drawn("near", labels, features), strict=True)] == nearer
    assert [set(column) for column in zip(*drawn("far", labels, features), strict=True)] == farther


def test_a_single_clip_is_its_own_partner() -> None:
    for rule in ("random", "same-class", "other-class", "near", "far"):
        assert choose_partners(rule, LABELS[:1], torch.zeros(1, 1, 2, 1, 1), torch.Generator()).tolist() == [0]  # type: ignore[arg-type]


def test_methods_ask_for_features_where_partners_do(batch: Any) -> None:
    assert not create_mixer("mixup").needs_features
    mixer = create_mixer("mixup", partners="near")
    assert mixer.needs_features
    with pytest.raises(DataError, match="chosen by features"):
        mixer.mix(batch.clips, batch.labels, None, torch.Generator())
    assert mixer.mix(batch.clips, batch.labels, batch.features, torch.Generator().manual_seed(0)).partners.shape == (6,)
