"""Where to compute, and in which precision."""

from __future__ import annotations

import contextlib

import torch

from reverie import processes
from reverie.errors import ConfigError

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str | None) -> torch.device:
    """Return a device by name; None or "auto" takes an accelerator where there is one."""
    if name in (None, "auto") and torch.cuda.is_available() and processes.world() > 1:
        return torch.device("cuda", processes.local_rank())
    if name in (None, "auto"):
        found = torch.accelerator.current_accelerator(check_available=True)
        return found if found is not None else torch.device("cpu")
    try:
        device = torch.device(str(name))
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device '{name}' cannot be used on this machine; use 'cpu' or leave --device out") from error
    return device


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """Return the context of a forward pass."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=_DTYPES[precision])
