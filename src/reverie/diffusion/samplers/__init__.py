"""Diffusion samplers: DDPM, DDIM, DPM-Solver++ and the closed form of affine denoisers."""

from reverie.diffusion.samplers.create import create_sampler
from reverie.diffusion.samplers.exact import ExactSampler
from reverie.diffusion.samplers.run import NormalNoise, sample
from reverie.diffusion.samplers.step import Sampler, StepOutput

__all__ = ["ExactSampler", "NormalNoise", "Sampler", "StepOutput", "create_sampler", "sample"]
