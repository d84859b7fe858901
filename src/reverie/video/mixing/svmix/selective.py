"""What SV-Mix shares with its controls: a step's draws, the student's clips and labels."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import torch
from torch import Generator, Tensor

from reverie.errors import DataError
from reverie.options import Configured
from reverie.video.mixing.blend import blend, check_batch, check_finite
from reverie.video.mixing.config import SelectiveConfig
from reverie.video.mixing.labels import blend_labels
from reverie.video.mixing.svmix.draws import Branch, Draws, Module, draw_step
from reverie.video.mixing.svmix.labels import saliency, saliency_shares
from reverie.video.mixing.svmix.masks import hold_constant, partner_mask
from reverie.video.roles import Mixed

Config = TypeVar("Config", bound=SelectiveConfig)


class SelectiveMixer(Configured[Config]):
    """Mix by a mask of logits at the cells of the teacher's feature map.

    Labels are taken as they come; smooth them first, see `reverie.video.mixing.smooth` (published: 0.1).
    """

    learns: ClassVar[bool] = False
    needs_features: ClassVar[bool] = True
    alpha_teacher = 1.0

    def draw(self, labels: Tensor, features: Tensor, generator: Generator) -> Draws:
        """Draw a whole step; give the result to both branches."""
        return draw_step(self.config, self.alpha_teacher, labels, features, generator)

    def logits(self, own: Tensor, partner: Tensor, shares: Tensor, module: Module, noise: Tensor | None) -> Tensor:
        """Return the partner's logits, [B, T', H', W'] or [B, T', 1, 1], of features [B, T', C, H', W'] and λ [B]."""
        raise NotImplementedError

    def partner_mask(self, features: Tensor, branch: Branch, draws: Draws, size: Any) -> Tensor:
        """Return the partner's weight m, float32 [B, T, H, W], with the gradient of what learns."""
        own, smooth = features.detach(), self.config.smooth
        partner, shares = own[branch.partners.to(own.device)], branch.shares.to(own.device)
        if draws.module != "each":
            return partner_mask(self.logits(own, partner, shares, draws.module, draws.noise), size, smooth)
        spatial = partner_mask(self.logits(own, partner, shares, "spatial", draws.noise), size, smooth)
        temporal = partner_mask(self.logits(own, partner, shares, "temporal", draws.noise), size, smooth)
        return torch.where(draws.spatial.to(own.device)[:, None, None, None], spatial, temporal)

    def student(self, clips: Tensor, labels: Tensor, features: Tensor | None, draws: Draws | Generator) -> Mixed:
        """Return what the student learns from: masks are constants, labels by saliency.

        Parameters
        ----------
        clips : Tensor [B, T, 3, H, W]
        labels : Tensor [B, K]
        features : Tensor [B, T', C, H', W']
            The teacher's, of the clean clips.
        draws : Draws or torch.Generator
            A generator draws the step itself; for the module to be that of the teacher's branch, give both the same `Draws`,
            or generators in the same state.
        """
        check_batch(clips, labels)
        features = check_features(features, clips)
        draws = self.draw(labels, features, draws) if isinstance(draws, Generator) else draws
        branch, shared = draws.student, bool(getattr(self.config, "shared_gradient", False))
        partners, shares = branch.partners.to(clips.device), branch.shares.to(clips.device)
        with torch.set_grad_enabled(shared and torch.is_grad_enabled()):
            mask = self.partner_mask(features, branch, draws, (clips.shape[1], *clips.shape[3:]))
            own = hold_constant(1 - mask, shares, self.config.constant)
        if self.config.labels == "saliency":
            shares = saliency_shares(own.detach(), saliency(features.detach(), self.config.temperature), partners)
        return Mixed(blend(clips, own, partners), blend_labels(labels, shares, partners), partners, own, shares)

    def mix(self, clips: Tensor, labels: Tensor, features: Tensor | None, generator: Generator) -> Mixed:
        """Mix a batch for the student, see `reverie.video.roles.Mixer`."""
        return self.student(clips, labels, features, generator)


def check_features(features: Tensor | None, clips: Tensor) -> Tensor:
    """Return features that are [B, T', C, H', W'], or refuse them."""
    if features is None or features.ndim != 5 or len(features) != len(clips):
        shape = None if features is None else list(features.shape)
        raise DataError(
            f"features of {len(clips)} clips to mix are the teacher's map [{len(clips)}, T', C, H', W'], not {shape}; give it"
        )
    check_finite(features)
    return features
