"""The adapter that recalls: it learns questions on some items and names the others; the memory is not saved, the questions are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.llm.adapters import Recall
from reverie.llm.config import Catalogue
from reverie.llm.interpreter.model import Interpreter
from reverie.llm.titles import Titles

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone

ITEMS, DIM = 150, 16


def _world() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return item vectors, states that hold a turned copy of their item's vector, and those items."""
    generator = torch.Generator().manual_seed(3)
    table = torch.randn(ITEMS, DIM, generator=generator)
    turn = torch.linalg.qr(torch.randn(DIM, DIM, generator=generator)).Q
    codes = torch.randint(1, ITEMS + 1, (4000,), generator=generator)
    return table, table[codes - 1] @ turn + 0.1 * torch.randn(4000, DIM, generator=generator) + 2, codes


def _titles() -> Titles:
    return Titles(tuple(f"film {code:03d}" for code in range(ITEMS)), "drop")


def _taught(tiny: Backbone) -> tuple[Interpreter, torch.Tensor, torch.Tensor, torch.Tensor]:
    table, states, codes = _world()
    taught = torch.arange(1, ITEMS + 1)[torch.arange(ITEMS) % 5 != 0]
    model = Interpreter(Catalogue(kind="catalogue", tokens=3), DIM, tiny, seed=0)
    model.set_catalogue(tiny, _titles(), table, taught)
    seen = torch.isin(codes, taught)
    model.prepare(tiny, _titles(), states[seen], codes[seen], table, taught)
    return model, table, states, codes


def test_items_that_were_never_taught_are_recalled(tiny: Backbone) -> None:
    model, _, states, codes = _taught(tiny)
    core = model.states.core
    assert isinstance(core, Recall)
    with torch.no_grad():
        found = core.logits(model.states.standardised(states)).argmax(-1) + 1
        untaught = codes % 5 == 1
        assert torch.equal(model.recalled(states), found)
        assert (found == codes)[untaught].float().mean() > 0.7  # a blind guess is right once in 150
        wrong = core.logits(model.states.standardised(states[torch.randperm(len(states))])).argmax(-1) + 1
        assert (wrong == codes).float().mean() < 0.2
        core.train()
        hidden = core.logits(model.states.standardised(states))
        assert bool(torch.isinf(hidden[:, ::5]).all())
        assert not bool(torch.isinf(hidden[:, 1::5]).any())
        core.eval()


def test_soft_tokens_are_the_mixture_of_title_vectors(tiny: Backbone) -> None:
    model, _, states, _ = _taught(tiny)
    core, adapter = model.states.core, model.states
    assert isinstance(core, Recall)
    with torch.no_grad():
        made = adapter(states[None, :2], torch.tensor([2]))[0].double().numpy()
        for row in range(2):
            given = ((states[row] - adapter.mean) / adapter.spread).double().numpy()
            question = core.question.weight.double().numpy() @ given + core.question.bias.double().numpy()
            keys = core.keys.double().numpy()
            logits = np.exp(float(core.sharpness)) * (keys @ question) / np.sqrt(DIM)
            share = np.exp(logits - logits.max())
            share /= share.sum()
            rows = []
            for code in range(1, ITEMS + 1):
                ids = [*tiny.tokens(_titles().text(code)), *tiny.tokens("\n") * 3][:3]
                rows.append(tiny.embed(torch.tensor(ids)).double().numpy())
            wanted = np.einsum("n,ntw->tw", share, np.stack(rows)) @ core.voice.weight.double().numpy().T
            np.testing.assert_allclose(made[3 * row : 3 * row + 3], wanted, atol=1e-4)


def test_questions_are_saved_and_the_memory_is_not(tiny: Backbone, tmp_path: Path) -> None:
    model, table, states, _ = _taught(tiny)
    model.save(tmp_path)
    again = Interpreter(Catalogue(kind="catalogue", tokens=3), DIM, tiny, seed=5)
    again.load(tmp_path)
    again.set_catalogue(tiny, _titles(), table, torch.arange(1, ITEMS + 1))
    lengths = torch.tensor([4, 2])
    with torch.no_grad():
        assert torch.equal(again.states(states[:8].view(2, 4, DIM), lengths), model.states(states[:8].view(2, 4, DIM), lengths))
    assert not [name for name in model.state_dict() if name.endswith(("keys", "values", "taught"))]
    with torch.no_grad():  # padding is not read
        alone = again.states(states[4:6].view(1, 2, DIM), torch.tensor([2]))
        together = again.states(states[:8].view(2, 4, DIM), lengths)
    assert torch.allclose(alone[0], together[1, :6], atol=1e-6)
    assert again.states.counts(lengths).tolist() == [12, 6]
