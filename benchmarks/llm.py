"""The bridge between a recommender and a language model: what caching of states, batching of answers and freezing save.

Rates are per second of processor time on one thread, which other work on the machine disturbs least. Run
``python benchmarks/llm.py`` (about three minutes with SmolLM2-135M; ``--backbone tiny`` takes seconds); it appends to
``results/llm.csv``. Scoring of many candidates over a shared prefix is measured by ``benchmarks/llm_scoring.py``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from common import record

from reverie.llm.adapters import create_adapter, pack_soft_tokens
from reverie.llm.backbone import Backbone, add_lora, load_backbone
from reverie.llm.config import DEFAULT, BackboneConfig, Position
from reverie.llm.generate import greedy_decode, target_loss
from reverie.llm.prompts import SOFT, collate
from reverie.llm.windows import Windows, window_states
from reverie.models import create_model
from reverie.study.environment import peak_mb, reset_peak
from reverie.testing import tiny_split

DIM, LENGTH, ROWS, ANSWER = 64, 10, 4, 50
"""Width of states, films in a history, histories of a step, tokens of an answer."""
GENERATED, TOGETHER = 16, 16
"""Tokens of a generated answer, and answers generated at once."""


def seconds(run: Callable[[], object]) -> float:
    """Return the processor time of one run."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def step(backbone: Backbone, adapter: torch.nn.Module, states: torch.Tensor) -> None:
    """Make one training step without the optimiser: soft tokens, forward, loss, backward."""
    lengths = torch.full((len(states),), LENGTH)
    vectors = pack_soft_tokens([(adapter(states, lengths), adapter.counts(lengths))])  # type: ignore[operator]
    prompt = [*backbone.tokens("List the titles of these films, one a line: "), *[SOFT] * LENGTH]
    target = (backbone.tokens("A title of some length\n") * ANSWER)[:ANSWER]
    target_loss(backbone, collate(backbone, [prompt] * len(states), [target] * len(states)), vectors).backward()


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backbone", default=DEFAULT)
    name = parser.parse_args().backbone
    torch.set_num_threads(1)
    backbone = load_backbone(BackboneConfig(name=name, device="cpu"))
    adapter = create_adapter(Position(kind="position"), DIM, backbone.width, backbone.rms)
    states = torch.randn(ROWS, LENGTH, DIM)
    rows: list[dict[str, object]] = []

    def add(case: str, metric: str, value: float, unit: str) -> None:
        rows.append({"benchmark": "llm", "case": f"{name}, {case}", "metric": metric, "value": value, "unit": unit})

    step(backbone, adapter, states)
    reset_peak()
    taught = seconds(lambda: step(backbone, adapter, states))
    add(f"adapter step, {ROWS} histories of {LENGTH}", "peak_mb", peak_mb(), "MB")
    add("states cached", "examples_per_second", ROWS / taught, "1/s")
    model = create_model("sasrec", tiny_split(), dim=DIM, history=LENGTH)
    model.eval()  # type: ignore[attr-defined]
    windows = Windows(np.ones((ROWS, LENGTH), dtype=np.int64), np.full(ROWS, LENGTH), np.arange(ROWS))
    window_states(model, windows)
    add("states computed each time", "examples_per_second", ROWS / (taught + seconds(lambda: window_states(model, windows))), "1/s")
    prompts = [[*backbone.tokens("A film: "), SOFT]] * TOGETHER
    soft = backbone.rms * torch.randn(TOGETHER, backbone.width)
    word = backbone.tokens(" film")[0]
    batched = seconds(lambda: greedy_decode(backbone, prompts, soft, GENERATED, allowed=lambda _row, _said: [word]))
    add(f"{TOGETHER} answers at once", "tokens_per_second", TOGETHER * GENERATED / batched, "1/s")
    some = 4
    alone = seconds(
        lambda: [
            greedy_decode(backbone, prompts[:1], soft[k : k + 1], GENERATED, allowed=lambda _r, _s: [word]) for k in range(some)
        ]
    )
    add("answers one by one", "tokens_per_second", some * GENERATED / alone, "1/s")
    lora = add_lora(backbone)
    lora.model.train()
    step(lora, adapter, states)
    reset_peak()
    step(lora, adapter, states)
    add(f"LoRA step, {ROWS} histories of {LENGTH}", "peak_mb", peak_mb(), "MB")
    record(rows)


if __name__ == "__main__":
    main()
