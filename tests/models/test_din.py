from __future__ import annotations

import torch

import reverie as rv
from reverie.data.batch import SequenceBatch
from reverie.models.din.model import DIN
from reverie.testing import tiny_split


def _model() -> DIN:
    model = rv.create_model("din", tiny_split(), dim=4, attention=3, hidden=(5,), seed=3)
    assert isinstance(model, DIN)
    model.observe(tiny_split().train)
    return model.double().eval()


def test_scores_follow_the_formula() -> None:
    model = _model()
    items, asked = torch.tensor([[3, 7, 0], [5, 0, 0]]), torch.tensor([[1, 9], [2, 2]])
    batch = SequenceBatch(items, torch.tensor([2, 1]), torch.tensor([0, -1]))
    with torch.no_grad():
        found = model.scores(batch, asked)
        table = model.encoder.table()
        for row in range(2):
            user = model.users[0] if row == 0 else torch.zeros(4).double()
            for column in range(2):
                target, pooled = table[asked[row, column] - 1], torch.zeros(4).double()
                for code in items[row][items[row] > 0]:
                    event = table[code - 1]
                    hidden = model.of_event.weight @ event + model.of_item.weight @ target + model.of_item.bias
                    weight = model.unit(hidden + model.of_product.weight @ (event * target))
                    pooled = pooled + weight * event
                alone = model.network(torch.cat([target, pooled, user]))
                torch.testing.assert_close(found[row, column], alone[0])


def test_the_pooling_depends_on_the_item() -> None:
    model = _model()
    batch = SequenceBatch(torch.tensor([[3, 7]]), torch.tensor([2]), torch.tensor([0]))
    with torch.no_grad():
        aware = model.aware(batch, torch.tensor([[1, 2]]))
    assert aware.shape == (1, 2, 12)
    assert not torch.allclose(aware[0, 0, 4:8], aware[0, 1, 4:8])
    torch.testing.assert_close(aware[0, 0, 8:], aware[0, 1, 8:])
    torch.testing.assert_close(model.item_vectors(torch.tensor([5]))[0], model.encoder.table()[4].repeat(3))
