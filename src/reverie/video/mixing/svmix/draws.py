"""All that one step of SV-Mix draws, before it computes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from reverie.video.mixing.config import SelectiveConfig
from reverie.video.mixing.draws import draw_beta, draw_uniform, leave_some
from reverie.video.mixing.partners import choose_partners

Module = Literal["spatial", "temporal", "volume", "each"]
"""What a mask varies over: places of a frame, frames, both at once; or, by clip, the first or the second."""


@dataclass(frozen=True)
class Branch:
    """Partners [B] int64 and the share λ of the clip itself [B] of one mix, on the CPU."""

    partners: Tensor
    shares: Tensor


@dataclass(frozen=True)
class Draws:
    """One step: the module that student and teacher share, and what each draws for itself.

    Parameters
    ----------
    module : str
    spatial : Tensor [B], bool
        Which clips use the spatial module, where `module` is ``each``.
    student, teacher : Branch
    noise : Tensor [B, n, n, n] or None
        Of the student's random masks.
    """

    module: Module
    spatial: Tensor
    student: Branch
    teacher: Branch
    noise: Tensor | None = None


def draw_step(config: SelectiveConfig, alpha_teacher: float, labels: Tensor, features: Tensor, generator: Generator) -> Draws:
    """Draw a step: module, the student's λ and partners, the teacher's λ' and partners; always in this order.

    The student's λ comes from Beta(1, 1) with the spatial module and Beta(.8, .8) with the temporal one, the teacher's from
    Beta(1, 1) with either.
    """
    count, one_each = len(labels), config.per_sample
    spatial = draw_uniform(count, config.switch_per_sample, generator) < config.switch
    in_space = draw_beta(config.alpha_spatial, count, one_each, generator)
    in_time = draw_beta(config.alpha_temporal, count, one_each, generator)
    shares = in_space if config.mask == "volume" else torch.where(spatial, in_space, in_time)
    shares = leave_some(shares, config.probability, one_each, generator)
    student = Branch(choose_partners(config.partners, labels, features, generator), shares)
    shares = draw_beta(alpha_teacher, count, one_each, generator)
    teacher = Branch(choose_partners(config.partners, labels, features, generator), shares)
    return Draws(_module(config, spatial), spatial, student, teacher)


def _module(config: SelectiveConfig, spatial: Tensor) -> Module:
    if config.mask == "volume":
        return "volume"
    if config.switch_per_sample:
        return "each"
    return "spatial" if bool(spatial[0]) else "temporal"
