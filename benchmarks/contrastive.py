"""InfoNCE forward and backward at growing batches, d = 128, beside the libraries people use for it: time and peak memory.

Every measurement is a process of its own. Times are processor time on one thread, the least of some runs; memory is what the peak
of the process grew by while the loss ran. Peers live in another environment, which needs neither Reverie nor this project::

    python -m venv peers && peers/bin/pip install torch numpy info-nce-pytorch pytorch-metric-learning
    python benchmarks/contrastive.py --peers peers/bin/python

Takes about four minutes and 3 GB of memory, for the peers at 8,192, and appends to ``results/contrastive.csv``. Without it only
Reverie is measured. All systems are seen to return the same loss.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import torch
from memory import peak_mb
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
TAU, WIDTH = 0.1, 128
OURS = ("reverie", "reverie chunk=512", "reverie, all scores held", "reverie adnce", "reverie symmetric")
PEERS = {"info-nce-pytorch": "info-nce-pytorch", "pytorch-metric-learning": "pytorch-metric-learning"}


def loss_of(system: str, batch: int) -> Loss:
    """Return a system's InfoNCE of B pairs, the other positives of the batch as negatives."""
    if system == "info-nce-pytorch":
        from info_nce import InfoNCE

        return InfoNCE(temperature=TAU)
    if system == "pytorch-metric-learning":
        from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

        return SelfSupervisedLoss(NTXentLoss(temperature=TAU), symmetric=False)
    from reverie.objectives import gaussian, info_nce

    if system == "reverie adnce":
        return lambda q, k: info_nce(q, k, temperature=TAU, log_weight=gaussian(0.7, 0.5))
    if system == "reverie symmetric":
        return lambda q, k: info_nce(q, k, temperature=TAU, symmetric=True)
    if system == "reverie, all scores held":
        return lambda q, k: info_nce(q, k, temperature=TAU, chunk=batch)
    return lambda q, k: info_nce(q, k, temperature=TAU, chunk=512 if "chunk" in system else None)


def measure(system: str, batch: int) -> None:
    """Print the measurements of one system at one batch size as JSON."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loss = loss_of(system, batch)
    small = torch.randn(8, WIDTH, requires_grad=True)
    loss(small, torch.randn(8, WIDTH)).backward()  # loads what is loaded at the first call
    query, key = torch.randn(batch, WIDTH), torch.randn(batch, WIDTH)
    before, times, value = peak_mb(), [], 0.0
    for _ in range(max(3, min(30, 2**23 // batch**2 * 2))):
        q, k = query.clone().requires_grad_(), key.clone().requires_grad_()
        start = time.process_time()
        result = loss(q, k)
        result.backward()
        times.append(time.process_time() - start)
        value = result.item()
    found = {"ms": min(times) * 1e3, "mb": peak_mb() - before, "loss": value}
    print(json.dumps(found | ({"version": version(PEERS[system])} if system in PEERS else {})))


def main() -> None:
    """Measure every system in processes of their own and record what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="interpreter of the environment that holds the peers")
    parser.add_argument("--without", nargs="*", default=[], choices=[*OURS, *PEERS], help="systems left out, such as slow ones")
    parser.add_argument("--batches", type=int, nargs="+", default=[256, 1024, 4096, 8192])
    parser.add_argument("--one", nargs=2, metavar=("SYSTEM", "BATCH"), help="measure one system here and print JSON")
    asked = parser.parse_args()
    if asked.one:
        measure(asked.one[0], int(asked.one[1]))
        return
    from common import record

    for batch in asked.batches:
        rows, losses = [], {}
        for system in (one for one in (*OURS, *(PEERS if asked.peers else ())) if one not in asked.without):
            python = asked.peers if system in PEERS else sys.executable
            command = [python, __file__, "--one", system, str(batch)]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            named = {"benchmark": "contrastive", "case": f"forward+backward B={batch} d={WIDTH}", "system": system}
            if "version" in found:
                named["version"] = found["version"]
            rows.append(named | {"metric": "cpu time", "value": found["ms"], "unit": "ms"})
            rows.append(named | {"metric": "peak memory growth", "value": found["mb"], "unit": "MB"})
            if system not in ("reverie adnce", "reverie symmetric"):
                losses[system] = found["loss"]
        assert max(losses.values()) - min(losses.values()) < 1e-4 * max(losses.values()), losses
        record(rows)


if __name__ == "__main__":
    main()
