"""`create_sampler`: the sampler that options describe."""

from reverie.diffusion.config import DDIM, DDPM, Exact, SamplerConfig
from reverie.diffusion.denoisers import Affine, Denoiser
from reverie.diffusion.noising import Schedule
from reverie.diffusion.samplers.chain import ChainSampler, DPMSolverSampler, Sampler, ddim_rule, ddpm_rule
from reverie.diffusion.samplers.exact import ExactSampler
from reverie.errors import ConfigError


def create_sampler(config: SamplerConfig, schedule: Schedule, denoiser: Denoiser | Affine | None = None) -> Sampler:
    """Return the sampler that options name.

    Parameters
    ----------
    config : SamplerConfig
    schedule : Schedule
    denoiser : Denoiser or None
        Needed by `exact` only, which reads its weights.

    Returns
    -------
    Sampler
        Ready to be given to `reverie.diffusion.sample`.

    Raises
    ------
    ConfigError
        If there are more steps than the chain has, or `exact` is asked for with a denoiser that is not affine.
    """
    if config.steps is not None and config.steps > schedule.steps:
        raise ConfigError(
            f"sampler '{config.kind}': steps={config.steps} is more than the {schedule.steps} steps of the chain; choose fewer"
        )
    if isinstance(config, DDPM):
        return ChainSampler(schedule, ddpm_rule, config.steps)
    if isinstance(config, DDIM):
        return ChainSampler(schedule, ddim_rule(config.eta), config.steps)
    if not isinstance(config, Exact):
        return DPMSolverSampler(schedule, config.order, config.steps)
    if not isinstance(denoiser, Affine):
        raise ConfigError(
            f"sampler 'exact' needs an affine denoiser ('mlp1'), and {type(denoiser).__name__} is not one; "
            "choose 'ddpm', 'ddim' or 'dpm-solver'"
        )
    rule = ddpm_rule if config.chain == "ddpm" else ddim_rule(config.eta)
    return ExactSampler(schedule, denoiser, rule, config.steps)
