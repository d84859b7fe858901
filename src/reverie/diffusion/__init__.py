"""Guided diffusion over item vectors. Names are imported lazily, so that options are readable without torch."""

import importlib
from typing import Any

_WHERE = {
    "AffineLaw": "samplers.exact",
    "DDIM": "config",
    "DDPM": "config",
    "DPMSolver": "config",
    "Exact": "config",
    "Guided": "noising",
    "SamplerConfig": "config",
    "Schedule": "noising",
    "affine_law": "samplers.exact",
    "create_denoiser": "denoisers",
    "create_sampler": "samplers",
    "create_schedule": "noising",
    "q_sample": "noising",
    "sample": "samplers",
    "x0_loss": "noising",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"reverie.diffusion.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'reverie.diffusion' has no attribute '{name}'")
