"""The chain beside its closed form: what the law of a trained model looks like, and how far sampling is from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dreamrec_page.runs import with_options
from reverie.data.batch import query_batch
from reverie.diffusion import DDPM, Guided, create_sampler, create_schedule, sample
from reverie.diffusion.noising import extrapolate
from reverie.diffusion.samplers import ExactSampler, NormalNoise
from reverie.nn.states import last_states
from reverie.seeds import numpy_generator, torch_generator

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.data.queries import Queries
    from reverie.data.split import Split
    from reverie.models.dreamrec.model import DreamRec
    from reverie.training.run import Run

Row = dict[str, object]


class Silence(NormalNoise):
    """Noise that is zero; the chain then walks along its mean, because each step is affine."""

    def __call__(self) -> Tensor:
        """Return zeros.

        Returns
        -------
        Tensor, shape [B, D]
            Nothing.
        """
        return torch.zeros(self.shape, dtype=self.like.dtype)


def law_rows(run: Run, split: Split, histories: int = 100, draws: int = 256) -> list[Row]:
    """Describe the law of x_0 of a trained model and compare the chain with it.

    Parameters
    ----------
    run : Run
        Of DreamRec with the denoiser `mlp1`.
    split : Split
        Its test histories are asked about.
    histories, draws : int
        How many test histories are drawn, and draws of the chain for each.

    Returns
    -------
    list of dict
        Case, metric, value, unit.
    """
    model = with_options(run)
    exact = model.sampler
    assert isinstance(exact, ExactSampler)
    law, table = exact.law, model.item_table().detach().double()
    values = torch.linalg.eigvalsh(law.covariance).flip(0).clamp(min=0)
    with torch.inference_mode():
        h = guidance(model, split.test, histories, run.recipe.training.seed)
        means = exact.mean(extrapolate(h, model.null, model.config.guidance)).double()
        straight = walk(model, h, Silence(tuple(h.shape), torch.Generator(), h)).double()
        numbers = {
            "rank of S": law.rank,
            "sd of a draw, all coordinates": float(values.sum().sqrt()),
            "largest sd of a direction": float(values[0].sqrt()),
            "spectral norm of M": float(torch.linalg.matrix_norm(law.gain, 2)),
            "length of the mean": float(means.norm(dim=1).mean()),
            "distance of means between histories": float((means - means.mean(0)).norm(dim=1).mean()),
            "chain without noise, distance to the mean": float((straight - means).norm(dim=1).mean()),
            "sd of scores by noise": float((table @ law.covariance * table).sum(1).clamp(min=0).sqrt().mean()),
            "sd of scores between items": float((means @ table.T).std(dim=1).mean()),
            "sd of an item's score between histories": float((means @ table.T).std(dim=0).mean()),
        }
        gaps = gap_rows(model, h, means, float(values.sum().sqrt()), draws, run.recipe.training.seed)
    case = f"law seed={run.recipe.training.seed}"
    spectrum = [{"case": case, "metric": f"eigenvalue {i + 1:02d} of S", "value": float(v)} for i, v in enumerate(values)]
    return [{"case": case, "metric": name, "value": value} for name, value in numbers.items()] + spectrum + gaps


def gap_rows(model: DreamRec, h: Tensor, means: Tensor, spread: float, draws: int, seed: int) -> list[Row]:
    """Measure how far the mean of n draws of the chain is from the exact mean.

    Parameters
    ----------
    model : DreamRec
        Trained.
    h, means : Tensor, shape [B, D]
        Guidance and exact means.
    spread : float
        Root of the trace of S; independent draws have an expected squared gap of its square over n.
    draws : int
        Most draws.
    seed : int
        Seed of the noise.

    Returns
    -------
    list of dict
        Root mean square of the gap for n = 1, 2, 4, …, and what the law says it is.
    """
    guide = h.repeat_interleave(draws, 0)
    noise = NormalNoise((len(guide), h.shape[1]), torch_generator(seed, "dreamrec-page", "chain"), h)
    drawn = walk(model, guide, noise).double().view(len(h), draws, -1)
    rows: list[Row] = []
    for n in (2**i for i in range(draws.bit_length()) if 2**i <= draws):
        groups = drawn[:, : draws - draws % n].unflatten(1, (-1, n)).mean(2)  # disjoint groups of n draws
        gap = float((groups - means[:, None]).square().sum(-1).mean().sqrt())
        for name, value in (("measured", gap), ("by the law", spread / n**0.5)):
            rows.append({"case": f"gap seed={seed}", "metric": f"mean of {n} draws, {name}", "value": value})
    return rows


def guidance(model: DreamRec, queries: Queries, histories: int, seed: int) -> Tensor:
    """Return the guidance vectors of some queries.

    Parameters
    ----------
    model : DreamRec
        Trained.
    queries : Queries
        Drawn from.
    histories : int
        How many; all where there are fewer.
    seed : int
        Seed of the choice.

    Returns
    -------
    Tensor, shape [B, D]
        h.
    """
    size = min(histories, len(queries))
    index = np.sort(numpy_generator(seed, "dreamrec-page", "histories").choice(len(queries), size, replace=False))
    batch = query_batch(queries, index, model.history)
    return last_states(model.encoder(model.items.encode(batch.items), batch.items > 0), batch.lengths)


def walk(model: DreamRec, h: Tensor, noise: NormalNoise) -> Tensor:
    """Walk the published chain, all T steps.

    Parameters
    ----------
    model : DreamRec
        Whose denoiser, schedule and strength of guidance are used.
    h : Tensor, shape [B, D]
        Guidance.
    noise : NormalNoise
        Start and noise of each step.

    Returns
    -------
    Tensor, shape [B, D]
        One x_0 per row.
    """
    config = model.config
    sampler = create_sampler(DDPM(), create_schedule(config.schedule, config.steps, config.zero_terminal))
    return sample(Guided(model.denoiser, h, model.null, config.guidance), sampler, noise)
