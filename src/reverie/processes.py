"""Several processes on one job, as `torchrun` starts them; alone, every function is the identity."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


def rank() -> int:
    """Return the number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """Return the number of processes."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_rank() -> int:
    """Return the number of this process on its machine, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def start(device: torch.device) -> None:
    """Let the processes find each other, once; alone, do nothing."""
    import atexit

    import torch.distributed as dist

    if world() > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(stop)


def stop() -> None:
    """Leave the group of processes, if this process is in one."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def together() -> bool:
    """Return whether this process computes with others."""
    if world() == 1:
        return False
    import torch.distributed as dist

    return dist.is_initialized()


def wait() -> None:
    """Wait until all processes are here."""
    if together():
        import torch.distributed as dist

        dist.barrier()


def add_up(arrays: Iterable[NDArray[np.generic]], device: torch.device | None = None) -> None:
    """Replace each array, in place, by its sum over all processes."""
    if not together():
        return
    import torch
    import torch.distributed as dist

    for array in arrays:
        tensor = torch.from_numpy(array)
        moved = tensor if device is None or device.type != "cuda" else tensor.to(device)
        dist.all_reduce(moved)
        if moved is not tensor:
            tensor.copy_(moved)


def gather_codes(codes: torch.Tensor) -> torch.Tensor:
    """Return the integers of all processes, laid end to end, this process's own first; codes [M] → [sum of M]."""
    if not together():
        return codes
    import torch

    parts = _gather_rows(codes)
    return torch.cat([codes, *parts[: rank()], *parts[rank() + 1 :]])


def _gather_rows(rows: torch.Tensor) -> list[torch.Tensor]:
    """Return the rows of every process, which may differ in their number; rows [M, *]."""
    import torch
    import torch.distributed as dist

    size = torch.tensor([len(rows)], device=rows.device)
    sizes = [torch.zeros_like(size) for _ in range(world())]
    dist.all_gather(sizes, size)
    padded = rows.new_zeros((max(int(n) for n in sizes), *rows.shape[1:]))
    padded[: len(rows)] = rows
    parts = [torch.zeros_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    return [part[: int(n)] for part, n in zip(parts, sizes, strict=True)]


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace each gradient by its mean over all processes, in one exchange for all dense ones.

    A parameter that has a gradient in no process keeps none, so that an optimiser leaves it alone, as where one process trains.
    """
    if not together():
        return
    import torch
    import torch.distributed as dist

    trained = [parameter for parameter in parameters if parameter.requires_grad]
    used = torch.tensor([parameter.grad is not None for parameter in trained], dtype=torch.int32, device=trained[0].device)
    dist.all_reduce(used)
    dense = []
    for parameter in (parameter for parameter, count in zip(trained, used.tolist(), strict=True) if count):
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = _mean_rows(parameter.grad)
            continue
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        dense.append(parameter.grad)
    if not dense:
        return
    flat = torch.cat([gradient.reshape(-1) for gradient in dense])
    dist.all_reduce(flat)
    flat /= world()
    for gradient, mean in zip(dense, torch.split(flat, [g.numel() for g in dense]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def _mean_rows(gradient: torch.Tensor) -> torch.Tensor:
    import torch

    mine = gradient.coalesce()
    rows, values = (torch.cat(_gather_rows(part)) for part in (mine.indices()[0], mine.values()))
    return torch.sparse_coo_tensor(rows[None], values / world(), gradient.shape).coalesce()
