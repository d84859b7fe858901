import math
from typing import Any

import numpy as np
import pytest
import torch

from reverie.data.batch import SequenceBatch, history_batch
from reverie.diffusion.noising import hash_histories
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.models.dreamrec.model import DreamRec
from reverie.testing import tiny_split
from reverie.training import fit

SMALL: dict[str, Any] = {"dim": 8, "history": 5, "steps": 40, "guidance": 2.0}
SAMPLERS: list[dict[str, Any]] = [
    {"kind": "exact"},
    {"kind": "exact", "use": "sample", "draws": 3},
    {"kind": "exact", "chain": "ddim", "steps": 10},
    {"kind": "ddpm"},
    {"kind": "ddpm", "steps": 10, "draws": 3},
    {"kind": "ddim", "steps": 8, "eta": 0.5},
    {"kind": "dpm-solver", "steps": 6},
]


def create(**options: Any) -> DreamRec:
    model = create_model("dreamrec", tiny_split(), **(SMALL | options))
    assert isinstance(model, DreamRec)
    return model.eval()


def histories(*rows: list[int]) -> SequenceBatch:
    return history_batch([np.array(row, dtype=np.int32) for row in rows], 5)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_vectors_do_not_depend_on_the_batch(sampler: dict[str, Any]) -> None:
    model, whole = create(sampler=sampler), histories([3, 1, 4], [1], [], [5, 9, 2, 6, 5])
    with torch.inference_mode():
        vectors, states = model.represent(whole), model.states(whole)
        for row, length in enumerate((3, 1, 0, 5)):
            alone = histories(whole.items[row, :length].tolist())
            torch.testing.assert_close(model.represent(alone)[0], vectors[row], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(states[row, max(length - 1, 0)], vectors[row], rtol=1e-4, atol=1e-5)
            if length:
                torch.testing.assert_close(model.imagine(alone, 3)[0], model.imagine(whole, 3)[row], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.scores(whole), vectors @ model.item_table().T)


@pytest.mark.parametrize("sampler", [{"kind": "exact"}, {"kind": "ddpm"}], ids=str)
def test_imagined_vectors_scatter_around_the_mean(sampler: dict[str, Any]) -> None:
    model, batch, n = create(sampler=sampler), histories([3, 1, 4], [7]), 4000
    drawn, law = model.imagine(batch, n), create().sampler.law  # type: ignore[attr-defined]
    error = (law.covariance.diagonal() / n).sqrt()
    assert float(((drawn.mean(1) - create().represent(batch).detach()).abs() / error).max()) < 5


def test_reproducible_and_seeded() -> None:
    batch = histories([3, 1, 4], [7, 7])
    sampled = {"kind": "exact", "use": "sample"}
    assert torch.equal(create(sampler=sampled).represent(batch), create(sampler=sampled).represent(batch))
    assert not torch.equal(create(sampler=sampled).represent(batch), create(sampler=sampled, noise_seed=1).represent(batch))


def test_encoder_is_the_published_block() -> None:
    torch.manual_seed(0)
    model = create().double()
    encoder, items = model.encoder, [3, 1, 4, 0, 0]
    for norm in encoder.norms:  # fresh LayerNorms would not tell one from the other
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    w = {key: value.detach().numpy() for key, value in encoder.state_dict().items()}
    table = model.item_table().detach().numpy()

    def normal(x: np.ndarray, which: int) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return np.asarray(x * w[f"norms.{which}.weight"] + w[f"norms.{which}.bias"])

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return np.asarray(x @ w[f"{name}.weight"].T + w[f"{name}.bias"])

    p = table[[2, 0, 3]] + w["positions"][:3]
    q = normal(p, 0)
    queries, keys, values = linear(q, "query"), linear(p, "key"), linear(p, "value")
    attended = np.zeros_like(q)
    for i in range(3):
        weights = np.exp([queries[i] @ keys[j] / math.sqrt(8) for j in range(i + 1)])
        attended[i] = sum(weights[j] / weights.sum() * values[j] for j in range(i + 1))
    x = normal(q + attended, 1)
    x = normal(x + linear(np.maximum(linear(x, "inner"), 0), "outer"), 2)
    codes = torch.tensor([items, [0] * 5])
    found = encoder(model.items.encode(codes), codes > 0).detach().numpy()
    np.testing.assert_allclose(found[0, :3], normal(x, 3), rtol=1e-9)
    np.testing.assert_allclose(found[1, 0], w["norms.3.bias"], rtol=1e-9)  # an empty history


def test_dropout_is_off_outside_training() -> None:
    model, batch = create(dropout=0.5), histories([3, 1, 4])
    assert torch.equal(model.represent(batch), model.represent(batch))
    model.train()
    assert not torch.equal(model.represent(batch), model.represent(batch))


@pytest.mark.parametrize("detach", [False, True])
def test_gradient_of_the_target(detach: bool) -> None:
    model = create(detach_target=detach, p_uncond=0.0).train()
    batch = SequenceBatch(torch.tensor([[3, 1]]), torch.tensor([2]), torch.tensor([0]), torch.tensor([9]))
    model.loss(batch)["loss"].backward()
    gradient = model.items.weight.grad
    assert gradient is not None
    assert bool((gradient[8] != 0).any()) != detach
    assert bool((gradient[[0, 2]] != 0).any(1).all())  # the history's items always learn
    with pytest.raises(ValueError, match="targets"):
        model.loss(histories([1, 2]))


def test_trained_on_empty_histories_or_not() -> None:
    assert create().plan == "prefixes-with-empty"
    assert create(train_empty=False).plan == "prefixes"


def test_non_linear_denoiser_trains_and_walks() -> None:
    model = create(denoiser="mlp2", zero_terminal=True, schedule="cosine")
    assert float(model.signal[-1]) == 0
    fitted = fit(model, tiny_split(), epochs=5, batch_size=16, learning_rate=0.01, show=False, device="cpu")
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]


def test_padding_is_never_recommended() -> None:
    model = create()
    assert model.scores(histories([1, 2])).shape == (1, tiny_split().vocabulary.n_items)


def test_keys_tell_histories_apart() -> None:
    generator = np.random.default_rng(0)
    rows = np.unique(generator.integers(1, 5000, (4000, 5)), axis=0)
    keys = hash_histories(torch.from_numpy(rows))
    assert len(keys[:, -1].unique()) > 0.999 * len(rows)
    counts = torch.bincount(keys[:, -1] % 256, minlength=256).double()
    assert float(((counts - counts.mean()) ** 2 / counts.mean()).sum()) < 256 + 6 * math.sqrt(2 * 256)
    padded = torch.nn.functional.pad(torch.from_numpy(rows), (0, 2))
    assert torch.equal(hash_histories(padded)[:, -1], keys[:, -1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"denoiser": "mlp2", "sampler": {"kind": "exact"}}, "needs the affine denoiser 'mlp1', not 'mlp2'"),
        ({"sampler": {"kind": "ddim", "steps": 41}}, "sampler.steps=41 is more than the steps=40"),
        ({"sampler": {"kind": "exakt"}}, "exact"),
        ({"sampler": {"kind": "ddpm", "eta": 0.1}}, "unknown option"),
        ({"schedule": "sigmoid"}, "schedule"),
        ({"dim": 7}, "dim"),
        ({"guidance": -1}, "guidance"),
        ({"p_uncond": 1.0}, "p_uncond"),
        ({"steps": 1}, "steps"),
        ({"denoisr": "mlp1"}, "did you mean 'denoiser'"),
    ],
)
def test_bad_options_are_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        create(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
