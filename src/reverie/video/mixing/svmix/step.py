"""SV-Mix: the student's clips, and the loss of the teacher by which the selector learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from torch import Generator, Tensor, nn
from torch.nn import Parameter

from reverie.errors import DataError
from reverie.seeds import torch_generator
from reverie.video.mixing.blend import blend, check_batch
from reverie.video.mixing.config import SvMixConfig
from reverie.video.mixing.labels import binary_cross_entropy, blend_labels, soft_cross_entropy
from reverie.video.mixing.svmix.draws import Draws, Module
from reverie.video.mixing.svmix.losses import area_loss
from reverie.video.mixing.svmix.selective import SelectiveMixer, check_features
from reverie.video.mixing.svmix.selector import Selector
from reverie.video.mixing.svmix.teacher import teacher_logits


class SvMix(SelectiveMixer[SvMixConfig]):
    """Selective volume mixup, as published; options that are ours say so.

    A step: features of the clean clips by the teacher; `draw`; the student learns from `student`; the selector from
    `teacher_loss`, through the frozen teacher; then the teacher follows the student by a running mean of parameters.

    Parameters
    ----------
    config : SvMixConfig
    channels : int
        C of the teacher's feature map.
    seed : int
        Of the selector's first weights.

    Attributes
    ----------
    selector : Selector
        A module; its state is all that SV-Mix learns.

    References
    ----------
    .. [1] Tan et al., Selective volume mixup for video action recognition, arXiv 2309.09534.
    """

    learns: ClassVar[bool] = True

    def __init__(self, config: SvMixConfig, channels: int, seed: int = 0) -> None:
        super().__init__(config)
        self.alpha_teacher = config.alpha_teacher
        self.selector = Selector(channels, config.width, config.initial, torch_generator(seed, "selector"))

    def logits(self, own: Tensor, partner: Tensor, shares: Tensor, module: Module, noise: Tensor | None) -> Tensor:
        """Return the selector's logits."""
        if own.shape[2] != self.selector.channels:
            raise DataError(
                f"the selector was made for features of {self.selector.channels} channels, not {own.shape[2]}; "
                "make the mixer with channels= of this network"
            )
        if self.config.standardise:
            own, partner = (standardised(_averaged(one) if module == "temporal" else one) for one in (own, partner))
        return self.selector(own, partner, shares, module)  # type: ignore[no-any-return]

    def teacher_loss(
        self, teacher: nn.Module, clips: Tensor, labels: Tensor, features: Tensor | None, draws: Draws | Generator
    ) -> dict[str, Tensor]:
        """Return the terms that teach the selector; their sum is to be minimised.

        Parameters
        ----------
        teacher : nn.Module
            Clips to logits, dropout off, BatchNorm as in training (published). Its parameters get no gradient.
        clips, labels, features, draws
            As `student` takes them.

        Returns
        -------
        dict
            ``teacher``: cross-entropy of the teacher on its own mix, labels by plain λ'; ``area``: the weighted area term.
            Empty if the selector does not learn.
        """
        if not self.learns:
            return {}
        check_batch(clips, labels)
        features = check_features(features, clips)
        draws = self.draw(labels, features, draws) if isinstance(draws, Generator) else draws
        branch = draws.teacher
        partners, shares = branch.partners.to(clips.device), branch.shares.to(clips.device)
        mask = self.partner_mask(features, branch, draws, (clips.shape[1], *clips.shape[3:]))
        logits = teacher_logits(teacher, blend(clips, 1 - mask, partners))
        cross_entropy = soft_cross_entropy if self.config.loss == "cross-entropy" else binary_cross_entropy
        terms = {"teacher": cross_entropy(logits, blend_labels(labels, shares, partners))}
        if self.config.area_weight:
            area = area_loss(mask, shares, self.config.area_margin, self.config.per_sample)
            terms["area"] = self.config.area_weight * area
        return terms

    def selector_parameters(self) -> Iterator[Parameter]:
        """Return what learns."""
        return self.selector.parameters() if self.learns else iter(())

    def is_due(self, step: int) -> bool:
        """Return whether the selector learns at a step, counted from 0."""
        return self.learns and step % self.config.every == 0


def _averaged(features: Tensor) -> Tensor:
    """Return features averaged over the places of a frame, [B, T', C, 1, 1]; their spread is far smaller than that of places."""
    return features.float().mean((3, 4), keepdim=True)


def standardised(features: Tensor) -> Tensor:
    """Return features [B, T', C, H', W'] less their mean over the places of each clip, with a mean square of one in each clip."""
    centred = features.float() - features.float().mean((1, 3, 4), keepdim=True)
    return centred / centred.square().mean((1, 2, 3, 4), keepdim=True).sqrt().clamp_min(1e-6)


class UntrainedSvMix(SvMix):
    """The control whose selector keeps its first weights."""

    learns = False
