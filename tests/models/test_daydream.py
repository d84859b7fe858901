import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from reverie.data.batch import SequenceBatch, history_batch
from reverie.diffusion.denoisers import ModulatedDenoiser, project_to_sphere
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.models.daydream.model import Daydream
from reverie.testing import tiny_split
from reverie.training import fit

SMALL: dict[str, Any] = {"dim": 8, "history": 5, "steps": 12, "dropout": 0.0, "objective": {"kind": "full_softmax"}}


def create(**options: Any) -> Daydream:
    model = create_model("daydream", tiny_split(), **(SMALL | options))
    assert isinstance(model, Daydream)
    return model


def listening(**options: Any) -> Daydream:
    """Return a model whose denoiser hears the noisy vector, as a trained one does; a fresh one starts deaf."""
    model = create(**options)
    torch.manual_seed(5)
    for network in (model.network, model.average.module if model.average else model.network):
        with torch.no_grad():
            for parameter in network.denoiser.parameters():
                torch.nn.init.normal_(parameter, std=0.5)
    return model.eval()


def histories(*rows: list[int]) -> SequenceBatch:
    return history_batch([np.array(row, dtype=np.int32) for row in rows], 5)


def training_batch() -> SequenceBatch:
    return replace(histories([3, 1, 4], [5, 9, 2, 6, 5]), targets=torch.tensor([[1, 4, 7, 0, 0], [9, 2, 6, 5, 8]]))


def test_denoiser_is_the_written_formula() -> None:
    torch.manual_seed(0)
    denoiser = ModulatedDenoiser(8, steps=12, blocks=2).double()
    for parameter in denoiser.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    x, h, steps = torch.randn(3, 8).double(), torch.randn(3, 8).double(), torch.tensor([0, 5, 11])
    w = {name: value.detach().numpy() for name, value in denoiser.state_dict().items()}

    def gelu(v: np.ndarray) -> np.ndarray:
        return np.array([e * 0.5 * (1 + math.erf(e / math.sqrt(2))) for e in v])

    for row in range(3):
        rates = [math.exp(-math.log(10_000) * j / 3) for j in range(4)]
        angles = [float(steps[row]) * rate for rate in rates]
        wave = np.array([np.float32(math.sin(a)) for a in angles] + [np.float32(math.cos(a)) for a in angles])
        step = w["embed.mlp.2.weight"] @ gelu(w["embed.mlp.0.weight"] @ wave + w["embed.mlp.0.bias"]) + w["embed.mlp.2.bias"]
        c = h[row].numpy() + step
        z = h[row].numpy() + w["noisy.weight"] @ x[row].numpy()
        for block in range(2):
            part = {name.removeprefix(f"blocks.{block}."): value for name, value in w.items()}
            scale, shift, gate = np.split(part["modulation.weight"] @ (c / (1 + np.exp(-c))) + part["modulation.bias"], 3)
            normal = (z - z.mean()) / math.sqrt(z.var() + 1e-5)
            hidden = gelu(part["mlp.0.weight"] @ (normal * (1 + scale) + shift) + part["mlp.0.bias"])
            z = z + gate * (part["mlp.2.weight"] @ hidden + part["mlp.2.bias"])
        np.testing.assert_allclose(denoiser(x, h, steps)[row].detach().numpy(), z, rtol=1e-6, atol=1e-7)


def test_an_untrained_denoiser_returns_the_guidance() -> None:
    denoiser, h = ModulatedDenoiser(8, steps=12), torch.randn(4, 8)
    torch.testing.assert_close(denoiser(torch.randn(4, 8), h, torch.tensor([3])), h)


@pytest.mark.parametrize("noise", [True, False])
def test_loss_is_the_mean_over_positions(noise: bool) -> None:
    options = {"noise": noise, "cosine": 0.3, "consistency": 0.7, "p_uncond": 0.4, "pure": 0.25, "temperature": 0.2, "average": 0}
    model, batch = listening(**options).double().train(), training_batch()
    torch.manual_seed(3)
    terms = {name: float(value.detach()) for name, value in model.loss(batch).items()}

    torch.manual_seed(3)
    network, dim = model.network, 8
    table = network.items.table().detach().numpy()
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    with torch.no_grad():
        guidance = network.guidance(batch)  # dropout is 0, so nothing is drawn
    places = [(0, t) for t in range(3)] + [(1, t) for t in range(5)]
    count = len(places)
    steps, noises = np.full(count, 11), np.zeros((count, dim))
    if noise:
        even = torch.randint(12, (count,))
        steps = np.where(torch.rand(count).numpy() < 0.25, 11, even.numpy())
        noises = torch.randn(count, dim, dtype=torch.float64).numpy()
    unguided = torch.rand(count, 1).numpy()[:, 0] < 0.4
    signal, spread = model.signal.numpy(), model.spread.numpy()
    softmax, cosine, agreement = [], [], []
    for n, (row, t) in enumerate(places):
        h = network.null.detach() if unguided[n] else guidance[row, t]
        target = int(batch.targets[row, t]) - 1  # type: ignore[index]
        clean = unit[target] * math.sqrt(dim)

        def denoised(step: int, h: torch.Tensor = h, clean: np.ndarray = clean, n: int = n) -> np.ndarray:
            x = signal[step] * clean + spread[step] * noises[n] if noise else np.zeros(dim)
            with torch.no_grad():
                out = network.denoise(torch.from_numpy(x)[None], h[None], torch.tensor([step]))
            return np.asarray(out[0].numpy() / math.sqrt(dim))

        predicted = denoised(int(steps[n]))
        scores = unit @ predicted / 0.2
        softmax.append(math.log(np.exp(scores).sum()) - scores[target])
        cosine.append(1 - predicted @ unit[target])
        agreement.append(1 - predicted @ (denoised(int(steps[n]) - 1) if steps[n] else unit[target]))
    expected = {"softmax": np.mean(softmax), "cosine": 0.3 * np.mean(cosine)}
    if noise:
        expected["consistency"] = 0.7 * np.mean(agreement)
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert terms[name] == pytest.approx(float(value), rel=1e-5)


def test_prefixes_give_the_loss_of_positions() -> None:
    options = {"noise": False, "p_uncond": 0.0}
    rows = training_batch()
    prefixes = [rows.items[row, : t + 1].tolist() for row in range(2) for t in range(int(rows.lengths[row]))]
    alone = replace(histories(*prefixes), targets=rows.targets[rows.targets > 0])  # type: ignore[index, operator]
    whole, parts = listening(**options).loss(rows), listening(every_position=False, **options).loss(alone)
    torch.testing.assert_close(parts["softmax"], whole["softmax"])


def test_the_control_knows_no_noise() -> None:
    batch = histories([3, 1, 4], [7, 7])
    torch.testing.assert_close(listening(noise=False).scores(batch), listening(noise=False, noise_seed=1).scores(batch))
    assert not torch.allclose(listening().scores(batch), listening(noise_seed=1).scores(batch))
    drawn = listening(noise=False).imagine(batch, 3)
    assert torch.equal(drawn[:, 0], drawn[:, 2])


@pytest.mark.parametrize(
    "sampler", [{"kind": "ddim", "steps": 1}, {"kind": "ddim", "steps": 4, "eta": 1.0}, {"kind": "dpm-solver", "steps": 4}]
)
def test_vectors_are_averages_of_draws_and_ignore_the_batch(sampler: dict[str, Any]) -> None:
    model, whole = listening(sampler=sampler | {"draws": 3}, guidance=0.5), histories([3, 1, 4], [1], [5, 9, 2, 6, 5])
    with torch.inference_mode():
        vectors = model.represent(whole)
        torch.testing.assert_close(model.imagine(whole, 3).mean(1), vectors)
        for row, length in enumerate((3, 1, 5)):
            alone = histories(whole.items[row, :length].tolist())
            torch.testing.assert_close(model.represent(alone)[0], vectors[row], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(model.states(whole)[row, length - 1], vectors[row], rtol=1e-4, atol=1e-5)


def test_scores_are_cosines_over_the_temperature() -> None:
    model = listening(temperature=0.5, sampler={"kind": "ddim", "steps": 1})
    with torch.inference_mode():
        scores, vectors, table = (model.scores(histories([3, 1, 4])), model.represent(histories([3, 1, 4])), model.item_table())
        cosines = torch.nn.functional.cosine_similarity(vectors, table)
    torch.testing.assert_close(scores[0], cosines / 0.5)


def test_outside_training_the_average_answers() -> None:
    split = tiny_split()
    model = create(average=0.9)
    seen: list[torch.Tensor] = []

    def after_step() -> None:
        Daydream.after_step(model)
        seen.append(model.network.items.weight.detach().clone())

    model.after_step = after_step  # type: ignore[method-assign]
    fit(model, split, epochs=2, batch_size=8, on="train+valid", show=False)
    expected = seen[0]
    for weight in seen[1:]:
        expected = 0.9 * expected + 0.1 * weight
    torch.testing.assert_close(model.item_table(), project_to_sphere(expected))
    model.train()
    torch.testing.assert_close(model.item_table(), project_to_sphere(seen[-1]))


def test_noise_reaches_what_is_learned() -> None:
    model = create()
    fit(model, tiny_split(), epochs=5, learning_rate=1e-2, on="train+valid", show=False)
    assert float(model.network.denoiser.noisy.weight.detach().abs().max()) > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": {"kind": "exact"}}, "needs an affine denoiser"),
        ({"sampler": {"kind": "ddim", "steps": 99}}, "more than the steps=12"),
        ({"heads": 3}, "not a multiple"),
        ({"anchor": 0}, "nothing that knows the target"),
        ({"table": "rowwise", "objective": {"kind": "sampled_softmax"}}, "must be 'dense'"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create(**options)
