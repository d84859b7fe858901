"""Guided diffusion over item vectors. Names are imported lazily, so that options are readable without torch."""

from reverie.lazy import lazy

_NAMES = {
    "config": "DDIM DDPM DPMSolver Exact SamplerConfig",
    "denoisers": "create_denoiser",
    "noising": "Guided Schedule create_schedule q_sample x0_loss",
    "samplers": "create_sampler sample",
    "samplers.exact": "AffineLaw affine_law",
}
_WHERE, __all__, __getattr__ = lazy(__name__, _NAMES)
