"""DreamRec (Yang et al. 2023)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.diffusion.denoisers import create_denoiser, project_to_sphere
from reverie.diffusion.noising import Guided, create_schedule, extrapolate, x0_loss
from reverie.diffusion.samplers import ExactSampler, NormalNoise, sample
from reverie.models.dreamrec.config import DreamRecConfig
from reverie.models.guided_diffusion import GuidedDiffusionModel
from reverie.models.item_encoders.base import content_encoders
from reverie.models.item_encoders.create import create_item_encoder
from reverie.models.item_encoders.step import step_items
from reverie.nn.heads import IdTable
from reverie.nn.states import last_states


class GuidanceEncoder(nn.Module):
    """DreamRec's attention block (normalised queries, un-normalised keys and values, four norms)."""

    def __init__(self, dim: int, history: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(history, dim))
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.inner, self.outer = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, real: Tensor) -> Tensor:
        """Encode histories; vectors [B, L, D], real [B, L] → [B, L, D]."""
        real = real[:, :, None]
        before, between, inside, after = self.norms
        p = self.dropout(vectors + self.positions[: vectors.shape[1]]) * real
        q = before(p)
        p_drop = self.dropout.p if self.training else 0.0
        x = q + F.scaled_dot_product_attention(self.query(q), self.key(p), self.value(p), is_causal=True, dropout_p=p_drop)
        x = between(x)
        x = inside(x + self.dropout(self.outer(F.relu(self.inner(x)))))
        out: Tensor = after(x * real)
        return out


class DreamRec(GuidedDiffusionModel):
    """Guided diffusion over item vectors.

    .. [1] Yang et al., Generate what you prefer: reshaping sequential recommendation via guided diffusion, NeurIPS 2023, arXiv
       2310.20453. Deviations: dropout is off outside training, padding cannot be recommended, each epoch is a permutation of
       all rows and keeps its last batch, and by default the sampler is the closed form of the published one.
    """

    stream = "dreamrec"

    def __init__(self, config: DreamRecConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.history = config.history
        self.plan = "prefixes-with-empty" if config.train_empty else "prefixes"
        self.config = config
        self.items = create_item_encoder(config.item_encoder, vocabulary, config.dim)
        if isinstance(self.items, IdTable):
            nn.init.normal_(self.items.weight)
        self.encoder = GuidanceEncoder(config.dim, config.history, config.dropout)
        self.null = nn.Parameter(torch.randn(config.dim))
        self.denoiser = create_denoiser(config.denoiser, config.dim, config.steps)
        schedule = create_schedule(config.schedule, config.steps, config.zero_terminal)
        self._prepare_sampling(schedule, config.chosen_sampler, config.noise_seed, self.denoiser)

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: which items have events."""
        for part in content_encoders(self):
            part.observe(train)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the squared error of denoised target vectors."""
        targets = require_targets(batch, "dreamrec")
        items = step_items(self.items, batch)
        x0 = self._scaled(items.encode(targets))
        x0 = x0.detach() if self.config.detach_target else x0
        h = last_states(self._read(items.encode(batch.items), batch), batch.lengths)
        return {"loss": x0_loss(self.denoiser, self.signal, self.spread, x0, h, self.null, self.config.p_uncond)}

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D]."""
        return self._scaled(self.items.table())

    def _encode(self, batch: SequenceBatch) -> Tensor:
        """Return guidance after each event [B, L, D]."""
        return self._read(self.items.encode(batch.items), batch)

    def _read(self, vectors: Tensor, batch: SequenceBatch) -> Tensor:
        """Return guidance after each event, from the events' vectors; vectors [B, L, D] → [B, L, D]."""
        out: Tensor = self.encoder(self._scaled(vectors), batch.items > 0)
        return out

    def _scaled(self, vectors: Tensor) -> Tensor:
        """Return vectors as they are diffused: those of content have length √D, as noise has; vectors [..., D] → [..., D]."""
        return vectors if isinstance(self.items, IdTable) else project_to_sphere(vectors)

    def _generate(self, h: Tensor, keys: Tensor) -> Tensor:
        """Turn guidance [..., D] into the vectors that items are ranked by."""
        chosen = self.config.chosen_sampler
        if isinstance(self.sampler, ExactSampler) and chosen.kind == "exact" and chosen.use == "mean":
            return self.sampler.mean(extrapolate(h, self.null, self.config.guidance))
        return super()._generate(h, keys)

    def _sample(self, h: Tensor, noise: NormalNoise) -> Tensor:
        """Draw one vector for each guidance vector; h [R, D] → [R, D]."""
        if isinstance(self.sampler, ExactSampler):
            return self.sampler.draw(extrapolate(h, self.null, self.config.guidance), noise())
        return sample(Guided(self.denoiser, h, self.null, self.config.guidance), self.sampler, noise)
