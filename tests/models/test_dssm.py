"""DSSM: its loss and scores against naive towers, users without a vector, content through an item encoder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import reverie as rv
from reverie.data.batch import SequenceBatch, history_batch
from reverie.data.content import ItemFeatures
from reverie.data.plans import create_plan
from reverie.models import create_model
from reverie.models.dssm.model import DSSM
from reverie.models.item_encoders.config import ItemEncoderOptions
from reverie.models.item_encoders.shelf import ENCODERS
from reverie.registry import Entry
from reverie.testing.data import tiny_dataset, tiny_split

if TYPE_CHECKING:
    from reverie.data.vocabulary import Vocabulary

USERS = ("id", "history", "both")


def new(**options: Any) -> DSSM:
    split = tiny_split(content=True)
    given: dict[str, Any] = {"dim": 4, "hidden": (5,), "dropout": 0.0, "objective": {"kind": "full_softmax"}}
    model = create_model("dssm", split, **(given | options))
    assert isinstance(model, DSSM)
    model.observe(split.train)
    return model


def of_users(codes: list[list[int]], users: list[int]) -> SequenceBatch:
    made = history_batch([np.array(row, dtype=np.int32) for row in codes], None)
    return SequenceBatch(made.items, made.lengths, torch.tensor(users))


def through(weights: dict[str, Tensor], name: str, x: Tensor, cosine: bool) -> Tensor:
    """One vector through a tower of one hidden layer."""
    hidden = (weights[f"{name}.0.weight"] @ x + weights[f"{name}.0.bias"]).clamp(min=0)
    out = weights[f"{name}.3.weight"] @ hidden + weights[f"{name}.3.bias"]
    return out / out.norm().clamp(min=1e-12) if cosine else out


@pytest.mark.parametrize("cosine", [False, True])
@pytest.mark.parametrize("user", USERS)
def test_loss_gradients_and_scores_are_those_of_naive_towers(user: str, cosine: bool) -> None:
    model = new(user=user, cosine=cosine).double()
    batch = create_plan(model.plan, tiny_split().train, 50).batch(np.array([0, 1, 9, 40]))
    assert batch.targets is not None
    own = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
    loss, table = torch.zeros((), dtype=torch.float64), [through(own, "item_tower", y, cosine) for y in own["encoder.weight"]]
    scores = []
    for row, code in zip(range(4), batch.targets.tolist(), strict=True):
        x = torch.zeros(4, dtype=torch.float64) if user == "history" else own["users"][int(batch.users[row])]
        history = [int(item) for item in batch.items[row] if item > 0]
        if user != "id" and history:
            x = x + torch.stack([own["encoder.weight"][item - 1] for item in history]).mean(0)
        state = through(own, "user_tower", x, cosine)
        scores.append(torch.stack([state @ item for item in table]))
        loss = loss - torch.log_softmax(scores[-1], 0)[code - 1] / 4
    found = model.loss(batch)["loss"]
    torch.testing.assert_close(found, loss, rtol=1e-9, atol=1e-12)
    parts = torch.autograd.grad(found, list(model.parameters()))
    for one, other in zip(parts, torch.autograd.grad(loss, list(own.values())), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)
    model.eval()
    torch.testing.assert_close(model.scores(batch), torch.stack(scores))
    torch.testing.assert_close(model.scores(batch), model.represent(batch) @ model.item_table().T)


@pytest.mark.parametrize("user", USERS)
def test_users_without_a_vector_are_known_by_their_history(user: str) -> None:
    model = new(user=user).eval()
    batch = of_users([[1, 4, 4], [2, 5], []], [-1, 10_000, -1])
    found, items = model.represent(batch), model.item_table()
    for row, history in enumerate([[1, 4, 4], [2, 5], []]):
        mean = torch.stack([*(model.encoder.table()[code - 1] for code in history), torch.zeros(4)]).sum(0) / max(1, len(history))
        if user == "id":
            expected = torch.stack([*(items[code - 1] for code in history), torch.zeros(4)]).sum(0) / max(1, len(history))
        else:
            expected = model.user_tower(mean)
        torch.testing.assert_close(found[row], expected)
    mixed = model.represent(of_users([[1, 4, 4], [3]], [-1, 7]))
    torch.testing.assert_close(mixed[0], found[0])
    torch.testing.assert_close(mixed[1], model.represent(of_users([[3]], [7]))[0])


class TinyOptions(ItemEncoderOptions):
    kind: Literal["tiny"] = "tiny"


class TinyEncoder(nn.Module):
    """A linear map of the image features."""

    def __init__(self, options: TinyOptions, vocabulary: Vocabulary, dim: int) -> None:
        super().__init__()
        self.register_buffer("features", torch.from_numpy(vocabulary.content["image"].values), persistent=False)
        self.linear = nn.Linear(6, dim, bias=False)

    def table(self) -> Tensor:
        found: Tensor = self.linear(self.features)
        return found

    def encode(self, items: Tensor) -> Tensor:
        return nn.functional.embedding((items - 1).clamp(min=0), self.table()) * (items > 0).unsqueeze(-1)


@pytest.mark.parametrize("user", USERS)
def test_items_are_read_through_an_encoder_of_content(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODERS._entries, "tiny", Entry(f"{__name__}:TinyEncoder", f"{__name__}:TinyOptions"))
    model = new(user=user, item_encoder={"kind": "tiny"})
    batch = create_plan(model.plan, tiny_split().train, 50).batch(np.array([0, 1, 9, 40]))
    model.loss(batch)["loss"].backward()  # type: ignore[no-untyped-call] # torch's own
    assert isinstance(model.encoder, TinyEncoder)
    assert model.encoder.linear.weight.grad is not None
    lacking = model.eval().item_table()[[3, 5]]  # items without a picture
    torch.testing.assert_close(lacking[0], lacking[1])
    torch.testing.assert_close(lacking[0], model.item_tower(torch.zeros(4)))


def test_content_that_nobody_asked_it_to_read_is_said(caplog: pytest.LogCaptureFixture) -> None:
    features = ItemFeatures(tiny_dataset().vocabulary.items, np.eye(20, 3, dtype=np.float32))
    split = rv.leave_one_out(rv.with_features(tiny_dataset(), {"image": features}))
    said = "dssm learns items by their ids and reads nothing of their content (image); "
    said += "item_encoder={kind: features, modality: image} reads it"
    for options, expected in (({}, [said]), ({"item_encoder": "id"}, []), ({"item_encoder": "image"}, [])):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "reverie.data"):
            rv.fit(create_model("dssm", split, **options), split, epochs=1, show=False)  # type: ignore[arg-type]
        assert [record.getMessage() for record in caplog.records] == expected
