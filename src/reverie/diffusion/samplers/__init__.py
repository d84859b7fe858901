"""Diffusion samplers: DDPM, DDIM, DPM-Solver++ and the closed form of affine denoisers."""

from reverie.diffusion.samplers.chain import NormalNoise, Sampler, StepOutput, sample
from reverie.diffusion.samplers.create import create_sampler
from reverie.diffusion.samplers.exact import ExactSampler

__all__ = ["ExactSampler", "NormalNoise", "Sampler", "StepOutput", "create_sampler", "sample"]
