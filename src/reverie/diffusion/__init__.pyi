from reverie.diffusion.config import (
    DDIM as DDIM,
    DDPM as DDPM,
    DPMSolver as DPMSolver,
    Exact as Exact,
    SamplerConfig as SamplerConfig,
)
from reverie.diffusion.denoisers import create_denoiser as create_denoiser
from reverie.diffusion.noising import (
    Guided as Guided,
    Schedule as Schedule,
    create_schedule as create_schedule,
    q_sample as q_sample,
    x0_loss as x0_loss,
)
from reverie.diffusion.samplers import create_sampler as create_sampler, sample as sample
from reverie.diffusion.samplers.exact import AffineLaw as AffineLaw, affine_law as affine_law
