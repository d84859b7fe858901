"""Steps of d3rlpy's discrete CQL on transitions given as arrays; run by the interpreter of its environment.

d3rlpy takes a vector per observation. It gets the codes of the last events, and an encoder of ours that looks up a vector for each
and lays them end to end: the same as a linear layer over their one-hot vectors, without making those.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import d3rlpy
import numpy as np
import torch
from d3rlpy.models.encoders import EncoderFactory, register_encoder_factory
from torch import nn

DIM = 64


class Encoder(nn.Module):
    """Vectors of the codes, end to end, and a layer to one state."""

    def __init__(self, n_codes: int, width: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(n_codes, DIM, padding_idx=0)
        self.layer = nn.Linear(DIM * width, DIM)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the state; x [B, width] → [B, DIM]."""
        state: torch.Tensor = torch.relu(self.layer(self.vectors(x.long()).flatten(1)))
        return state


@dataclasses.dataclass()
class CodesFactory(EncoderFactory):
    """Makes the encoder."""

    n_codes: int = 2

    def create(self, observation_shape: Sequence[int]) -> Any:
        """Return an encoder of observations of a shape."""
        return Encoder(self.n_codes, observation_shape[0])

    @staticmethod
    def get_type() -> str:
        """Return the name under which it is known."""
        return "codes"


def main() -> None:
    """Make a few updates and print seconds per 1,000 transitions."""
    path, n_items, batch, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    register_encoder_factory(CodesFactory)
    log = np.load(path)
    data = d3rlpy.dataset.MDPDataset(
        log["observations"].astype(np.float32),
        log["actions"].reshape(-1, 1),
        log["rewards"].reshape(-1, 1),
        log["done"].astype(np.float32),
        action_size=n_items,
        action_space=d3rlpy.ActionSpace.DISCRETE,
    )
    config = d3rlpy.algos.DiscreteCQLConfig(batch_size=batch, gamma=0.5, encoder_factory=CodesFactory(n_items + 1))
    cql = config.create(device="cpu:0")
    cql.build_with_dataset(data)
    wall = cpu = 0.0
    for step in range(steps + 1):
        drawn = data.sample_transition_batch(batch)
        begin = time.perf_counter(), time.process_time()
        cql.update(drawn)
        if step:
            wall, cpu = wall + time.perf_counter() - begin[0], cpu + time.process_time() - begin[1]
    each = 1000 / (batch * steps)
    print(json.dumps({"wall": wall * each, "cpu": cpu * each, "version": d3rlpy.__version__}))


if __name__ == "__main__":
    main()
