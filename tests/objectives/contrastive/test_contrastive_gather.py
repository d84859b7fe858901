"""Two real processes against one with the whole batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from reverie.objectives import gather_rows

PROCESS = """
import sys
from functools import partial
import torch
import torch.distributed as dist
from reverie.objectives import adnce, contrast, gather_rows, hcl, sampled_softmax

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)

torch.manual_seed(0)
queries, keys = torch.randn(6, 4, dtype=torch.float64), torch.randn(6, 4, dtype=torch.float64)
labels = torch.tensor([0, 1, 2, 1, 3, 0])
mine = slice(3 * rank, 3 * rank + 3)
LOSSES = [sampled_softmax, partial(adnce, variant="sentence", mu=0.5, sigma=0.7), hcl]
for loss in LOSSES:
    for options in ({}, {"symmetric": True}, {"labels": labels}, {"labels": labels, "symmetric": True, "chunk": 2}):
        q, k = queries.clone().requires_grad_(), keys.clone().requires_grad_()
        whole = contrast(loss, q, k, None, 0.3, **options)
        wanted = torch.autograd.grad(whole, [q, k])
        a, b = queries[mine].clone().requires_grad_(), keys[mine].clone().requires_grad_()
        own = {name: value[mine] if name == "labels" else value for name, value in options.items()}
        part = contrast(loss, a, b, None, 0.3, gather=True, **own)
        got = torch.autograd.grad(part, [a, b])
        mean = part.detach().clone()
        dist.all_reduce(mean)
        torch.testing.assert_close(mean / 2, whole.detach())
        for one, full in zip(got, wanted):
            # parameters are averaged over processes, so each row's share is half of what it sends back
            torch.testing.assert_close(one / 2, full[mine])

rows = torch.arange(2.0 + rank).add(10 * rank).requires_grad_()
every = gather_rows(rows)
assert every.tolist() == ([0, 1, 10, 11, 12] if rank == 0 else [10, 11, 12, 0, 1]), every
weight = torch.arange(1.0, 6.0)
(every * weight).sum().backward()
assert rows.grad.tolist() == ([1 + 4, 2 + 5] if rank == 0 else [1 + 3, 2 + 4, 3 + 5]), rows.grad
assert gather_rows(torch.tensor([rank])).tolist() == [rank, 1 - rank]
one = contrast(sampled_softmax, queries[[rank]], keys[[rank]], None, 0.3, gather=True)
other = contrast(sampled_softmax, queries[[rank]], keys[[rank]], keys[[1 - rank]], 0.3)
torch.testing.assert_close(one, other)
dist.destroy_process_group()
"""


def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    script = tmp_path / "process.py"
    script.write_text(PROCESS, encoding="utf-8")
    running = [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(tmp_path)], env=environment, stderr=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=120)[1] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], "\n".join(said)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_one_process_has_its_own_rows(dtype: torch.dtype) -> None:
    rows = torch.ones(3, 2, dtype=dtype)
    assert gather_rows(rows) is rows
