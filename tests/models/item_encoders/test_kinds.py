"""Features, controls and fused encoders inside models; keys and stored models stay what they were."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch

from reverie.data.content import Features, ItemFeatures
from reverie.data.splits import leave_one_out
from reverie.errors import ConfigError
from reverie.evaluation import evaluate
from reverie.models import MODELS, create_model
from reverie.models.item_encoders.config import FeaturesOptions, FusedOptions, IdOptions
from reverie.models.item_encoders.controls import controlled
from reverie.models.item_encoders.create import create_item_encoder
from reverie.models.item_encoders.features import FeaturesEncoder
from reverie.models.item_encoders.fused import FusedEncoder
from reverie.models.warm_start import warm_start
from reverie.nn.heads import IdTable
from reverie.seeds import seed_torch
from reverie.testing import CHECKS, tiny_dataset
from reverie.testing.checks import Case, neighbours_do_not_matter, saved_and_loaded, vectors_law
from reverie.training import fit

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset

READS = ("sasrec", "gru4rec", "caser", "nextitnet", "comirec", "dreamrec", "daydream")
FEATURES = {"kind": "features", "modality": "text"}
FUSED = {"kind": "fused", "parts": ["id", FEATURES], "drop": 0.2}
SMALL: dict[str, dict[str, Any]] = {"dreamrec": {"steps": 20, "detach_target": True}, "daydream": {"steps": 10}}
LAWS = [("cross-attention", check) for check in CHECKS] + [
    ("gate", check) for check in (saved_and_loaded, neighbours_do_not_matter, vectors_law)
]
"""All laws of one fusion; of another those that training, which is the same, does not decide."""


def with_features(dataset: Dataset, width: int = 24, missing: int = 2) -> Dataset:
    ids = pl.Series([f"a{i:02d}" for i in range(20 - missing)])
    values = np.random.default_rng(0).normal(3.0, 2.0, (len(ids), width)).astype(np.float32)
    return replace(dataset, content={"text": ItemFeatures(ids, values)})


SPLIT = leave_one_out(with_features(tiny_dataset()))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_default_is_no_part_of_stored_options(name: str) -> None:
    config = MODELS.config(name)
    if "item_encoder" in config.model_fields:
        assert config().item_encoder == IdOptions()
        for mode in ("json", "python"):
            assert "item_encoder" not in config().model_dump(mode=mode)
        assert config(item_encoder="id") == config()
        chosen = config(item_encoder=FEATURES, **({"detach_target": True} if name == "dreamrec" else {}))
        assert config.model_validate_json(chosen.model_dump_json()) == chosen
    assert ("item_encoder" in config.model_fields) >= (name in READS)


def test_the_default_draws_the_weights_that_were_always_drawn() -> None:
    model = create_model("gru4rec", SPLIT, dim=8)
    seed_torch(0, "weights")
    assert torch.equal(model.encoder.weight, IdTable(20, 8).weight)
    assert {name.partition(".")[0] for name in model.state_dict()} == {"encoder", "network"}
    assert [name for name in model.state_dict() if name.startswith("encoder")] == ["encoder.weight"]


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("options", [FEATURES | {"tuning": "adapter"}, FUSED | {"fusion": "gate"}], ids=["adapter", "fused"])
def test_a_model_learns_through_any_encoder(name: str, options: dict[str, Any]) -> None:
    model = create_model(name, SPLIT, item_encoder=options, dim=8, history=8, **SMALL.get(name, {}))
    fitted = fit(model, SPLIT, epochs=6, batch_size=32, learning_rate=0.01, validate_every=6, show=False, device="cpu")
    losses = [row["loss"] for row in fitted.history]
    assert losses[-1] < losses[0]
    assert model.item_table().shape == (20, 8)
    evaluate(model, SPLIT.test, top=0)


@pytest.mark.parametrize(("fusion", "check"), LAWS, ids=lambda value: getattr(value, "__name__", value))
def test_the_laws_of_a_recommender_hold(fusion: str, check: Any, tmp_path: Path) -> None:
    options = {"item_encoder": FUSED | {"fusion": fusion}, "dim": 8, "dropout": 0.0}
    check(Case("sasrec", options, tmp_path, 20, SPLIT))


def test_features_are_standardised_by_the_items_that_have_them() -> None:
    encoder = create_item_encoder(FeaturesOptions(**FEATURES), SPLIT.vocabulary, 8)
    assert isinstance(encoder, FeaturesEncoder)
    features = SPLIT.vocabulary.content["text"]
    some = features.values[features.present].astype(np.float64)
    z = (some - some.mean(0)) / some.std(0)
    wanted = z @ encoder.linear.weight.detach().double().numpy().T + encoder.linear.bias.detach().double().numpy()
    table = encoder.eval().table()
    np.testing.assert_allclose(table[torch.from_numpy(features.present)].numpy(), wanted, rtol=1e-3, atol=1e-5)
    assert not table[~torch.from_numpy(features.present)].any()
    assert 0.5 < float(table[:18].norm(dim=1).mean()) < 1.5


def test_an_adapter_begins_as_the_linear_layer_alone() -> None:
    tables = []
    for tuning in ("frozen", "adapter"):
        torch.manual_seed(0)
        tables.append(create_item_encoder(FeaturesOptions(**FEATURES, tuning=tuning), SPLIT.vocabulary, 8).eval().table())
    assert torch.equal(*tables)


def test_controls_are_stable_and_lose_the_content() -> None:
    features, items = SPLIT.vocabulary.content["text"], SPLIT.vocabulary.items
    options = [FeaturesOptions(**FEATURES, control=control, seed=seed) for control in ("random", "shuffled") for seed in (0, 1)]
    found = [controlled(features, one, "text", items) for one in options]
    for one, other in pairwise(found):
        assert not np.array_equal(one.values, other.values)
        assert np.array_equal(one.present, features.present)
    random, shuffled = found[0], found[2]
    backwards = controlled(Features(features.values[::-1], features.present[::-1]), options[0], "text", items.reverse())
    assert np.array_equal(random.values, backwards.values[::-1])  # by id, whatever the order
    assert abs(float(random.values[:18].mean())) < 0.2
    assert 0.9 < float(random.values[:18].std()) < 1.1
    rows = {row.tobytes() for row in features.values[:18]}
    assert {row.tobytes() for row in shuffled.values[:18]} == rows
    assert not (shuffled.values[:18] == features.values[:18]).all(1).any()


def fused(**options: Any) -> FusedEncoder:
    torch.manual_seed(0)
    made = create_item_encoder(FusedOptions(**FUSED | options), SPLIT.vocabulary, 8)
    assert isinstance(made, FusedEncoder)
    return made


@pytest.mark.parametrize("fusion", ["sum", "concat", "gate", "cross-attention"])
def test_what_is_missing_is_a_token_and_the_rest_still_counts(fusion: str) -> None:
    encoder = fused(fusion=fusion, drop=0.0)
    encoder.observe(SPLIT.train)
    encoder.seen[4] = False
    with torch.no_grad():
        encoder.masks.normal_()
    before = encoder.eval().table().clone()
    with torch.no_grad():
        encoder.parts[0].weight[4] += 1.0  # the id of an item that nobody has clicked
        encoder.parts[0].weight[5] += 1.0
    assert torch.equal(encoder.table()[4], before[4])
    assert not torch.equal(encoder.table()[5], before[5])
    left = fused(fusion=fusion, drop=0.0, without=("text",))
    left.load_state_dict(encoder.state_dict())
    with torch.no_grad():
        left.parts[1].linear.weight.zero_()
    torch.testing.assert_close(left.eval().table()[19], encoder.table()[19])  # it has no text anyway
    assert not torch.allclose(left.table()[0], encoder.table()[0])


def test_modality_dropout_leaves_out_parts_but_never_all() -> None:
    encoder = fused(drop=0.6)
    encoder.observe(SPLIT.train)
    with torch.no_grad():
        encoder.parts[0].weight.fill_(1.0)
        encoder.parts[1].linear.weight.zero_()
        encoder.parts[1].linear.bias.fill_(10.0)
    counts = {1.0: 0, 10.0: 0, 11.0: 0}
    for _ in range(60):
        for value in encoder.train().encode(torch.arange(1, 17))[:, 0].tolist():
            counts[round(value, 3)] += 1
    total = sum(counts.values())
    for value, share in ((11.0, 0.16), (1.0, 0.42), (10.0, 0.42)):  # each left out with .6, and where both are, one comes back
        assert abs(counts[value] / total - share) < 0.06
    assert len(set(encoder.eval().encode(torch.arange(1, 17))[:, 0].tolist())) == 1


def test_warm_start_scores_new_items_by_content_and_old_ones_as_before() -> None:
    dataset = with_features(tiny_dataset(), missing=0)
    cut = dataset.events.filter(~pl.col("item").is_in(["a07", "a13"]))
    model = create_model("sasrec", leave_one_out(replace(dataset, events=cut)), item_encoder=FUSED | {"drop": 0.0}, dim=8)
    model.observe(leave_one_out(replace(dataset, events=cut)).train)
    old = model.eval().item_table().clone()
    grown = warm_start(model, dataset)
    new = grown.item_table()
    torch.testing.assert_close(new[:18], old)
    assert new[18:].abs().sum() > 0
    assert grown.encoder.seen.tolist() == [True] * 18 + [False] * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "features", "modality": "sound"}, "reads the content 'sound', and this dataset has text; add it"),
        ({"kind": "image"}, r"reverie\.with_content\(dataset, 'image'\) makes it from covers"),
        ({"kind": "picture"}, "unknown item encoder 'picture'"),
        ({"kind": "fused", "parts": ["id", "id"]}, "two parts are called 'id'"),
        (FUSED | {"without": ["sound"]}, "'sound' is no part; the parts are id, text"),
        (FUSED | {"without": ["id", "text"]}, "leaves no part"),
        ({"kind": "text", "control": "random", "tuning": "top"}, "control=random is of ready features"),
        ({"kind": "features"}, "option 'item_encoder': kind 'features': option 'modality' is missing; add it"),
        ({"kind": "text", "tunning": "top"}, r"kind 'text': unknown option 'tunning' \(did you mean 'tuning'\?\)"),
        (
            {"kind": "fused", "parts": ["id", {"kind": "text", "layers": 0}]},
            "option 'parts.1': kind 'text': option 'layers' must be",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        create_model("sasrec", SPLIT, item_encoder=options)
    assert "\n" not in str(error.value)


def test_dreamrec_does_not_pull_vectors_of_content_into_a_point() -> None:
    with pytest.raises(ConfigError, match="needs detach_target=true"):
        create_model("dreamrec", SPLIT, item_encoder=FEATURES)


def test_row_wise_tables_are_of_ids() -> None:
    with pytest.raises(ConfigError, match="table='rowwise' is of item_encoder id"):
        create_model("sasrec", SPLIT, item_encoder=FEATURES, table="rowwise")
