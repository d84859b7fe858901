"""How fast a language model scores candidates of one user: the common beginning read once, against one prompt per candidate.

    python benchmarks/llm_scoring.py [--candidates 100] [--alone 20] [--tiny]

One prompt per candidate is measured on a part of the candidates (`--alone`), one prompt at a time and 16 side by side, and told per
candidate; seconds are those of the processor, so that other work on the machine counts less. The recommender that is read is not
fitted: what it costs does not depend on it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import polars as pl
import torch
from common import record

from reverie.data.batch import SequenceBatch
from reverie.data.dataset import Dataset
from reverie.llm.collm.model import CoLLM
from reverie.models import create_model

ITEMS, HISTORY = 120, 10
WORDS = ("Silent", "River", "of", "the", "Northern", "Garden", "Last", "Winter", "Stranger", "Road", "Summer", "House", "Night")


def world() -> Dataset:
    """Return films with titles of two to five words, as long as those of MovieLens."""
    titles = [" ".join(WORDS[(n * 7 + k * 3) % len(WORDS)] for k in range(2 + n % 4)) + f" {n}" for n in range(ITEMS)]
    events = pl.DataFrame({"user": [n % 4 for n in range(ITEMS)], "item": list(range(ITEMS)), "timestamp": list(range(ITEMS))})
    return Dataset(events, pl.DataFrame({"item": list(range(ITEMS)), "title": titles}), "benchmark")


def seconds(work: Callable[[], torch.Tensor]) -> tuple[float, float, torch.Tensor]:
    """Return processor and wall time of some work, and its result."""
    wall, own = time.perf_counter(), time.process_time()
    result = work()
    return time.process_time() - own, time.perf_counter() - wall, result


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--alone", type=int, default=20)
    parser.add_argument("--template", choices=("ours", "brief", "question"), default="ours")
    parser.add_argument("--tiny", action="store_true", help="the random model of the tests; nothing is recorded")
    options = parser.parse_args()
    torch.set_num_threads(1)
    name = "tiny" if options.tiny else "smollm2-135m"
    model = create_model(
        "collm",
        world().vocabulary,
        backbone={"name": name},
        template=None if options.template == "ours" else options.template,
        collaborative={"name": "mf", "options": {"dim": 16, "biases": False, "fold_in": "never"}},
    )
    assert isinstance(model, CoLLM)
    model.eval()
    batch = SequenceBatch(torch.arange(1, HISTORY + 1)[None], torch.tensor([HISTORY]), torch.tensor([0]))
    items = torch.arange(HISTORY + 1, HISTORY + 1 + options.candidates)
    part = items[: options.alone]
    side = SequenceBatch(batch.items.expand(len(part), -1), batch.lengths.expand(len(part)), batch.users.expand(len(part)))
    with torch.inference_mode():
        model.scores(batch, items[:1, None])  # warm
        shared, shared_wall, together = seconds(lambda: model.scores(batch, items[None])[0])
        one, one_wall, alone = seconds(
            lambda: torch.cat([model.scores(batch, part[n : n + 1, None])[:, 0] for n in range(len(part))])
        )
        many, many_wall, batched = seconds(lambda: model.scores(side, part[:, None])[:, 0])
    gap = max(float((together[: len(part)] - other).abs().max()) for other in (alone, batched))
    case = f"{options.candidates} candidates, history of {HISTORY}, {name}, template {options.template}, one thread"
    per = {"shared prefix": shared / len(items), "one prompt each": one / len(part), "16 prompts side by side": many / len(part)}
    rows: list[dict[str, object]] = [
        {"case": f"{case}: {how}", "metric": "processor seconds per candidate", "value": value, "unit": "s"}
        for how, value in per.items()
    ]
    walls = {
        "shared prefix": shared_wall / len(items),
        "one prompt each": one_wall / len(part),
        "16 prompts side by side": many_wall / len(part),
    }
    rows += [
        {"case": f"{case}: {how}", "metric": "wall seconds per candidate", "value": v, "unit": "s"} for how, v in walls.items()
    ]
    rows += [
        {"case": case, "metric": f"speed-up over {how}", "value": per[how] / per["shared prefix"], "unit": "x"}
        for how in ("one prompt each", "16 prompts side by side")
    ]
    rows.append({"case": case, "metric": "largest difference of scores", "value": gap, "unit": "logit"})
    if options.tiny:
        print(per, gap)
    else:
        record([{"benchmark": "llm_scoring"} | row for row in rows])


if __name__ == "__main__":
    main()
