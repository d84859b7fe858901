"""RecAD's own workflow on one cell, its steps timed from outside; it runs in the folder that holds ``data/game``.

Prints one line of JSON: CPU and wall seconds of each step, the share of users who are shown the target before and after, the mean
shift of its score, and sizes. The weights of both victims are written to ``weights.npz`` after everything has been timed.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

BEGIN = time.process_time(), time.monotonic()
import numpy as np  # noqa: E402  # the clock counts imports too
import recad  # noqa: E402
import torch  # noqa: E402

asked: dict[str, Any] = json.loads(sys.argv[1])
torch.set_num_threads(1)
recad.utils.TQDM = False
steps: list[dict[str, Any]] = []
shown: list[np.ndarray] = []
victims: list[Any] = []


def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same and notes what it took."""

    def run(*arguments: Any, **options: Any) -> Any:
        begin = time.process_time(), time.monotonic()
        result = work(*arguments, **options)
        steps.append({"step": name, "cpu": time.process_time() - begin[0], "wall": time.monotonic() - begin[1]})
        return result

    return run


def noted(work: Callable[..., Any], kept: list[Any]) -> Callable[..., Any]:
    """Return a function that does the same and keeps its result."""

    def run(*arguments: Any, **options: Any) -> Any:
        kept.append(work(*arguments, **options))
        return kept[-1]

    return run


data = {
    "victim_data": recad.dataset.from_config("implicit", "game", need_graph=False, sample="pointwise", download=False),
    "attack_data": recad.dataset.from_config("explicit", "game", download=False).partial_sample(user_ratio=asked["share"]),
}
flow = recad.workflow.from_config(
    "no defense",
    **data,
    victim=recad.model.from_config("victim", "mf"),
    attacker=recad.model.from_config("attacker", "aush", attack_num=asked["fakes"], filler_num=asked["fillers"]),
    rec_epoch=asked["epochs"],
    attack_epoch=asked["attack_epochs"],
    target_id_list=[asked["target"]],
    topks=asked["cuts"],
    logging_level=logging.WARNING,
)
steps.append({"step": "open", "cpu": time.process_time() - BEGIN[0], "wall": time.monotonic() - BEGIN[1]})
evaluate = flow.normal_evaluate


def judged(before: Any, after: Any, *arguments: Any, **options: Any) -> Any:
    """Keep both victims, then evaluate."""
    victims.extend((before, after))
    return evaluate(before, after, *arguments, **options)


flow.normal_train = timed("train", flow.normal_train)
flow.normal_evaluate = timed("evaluate", judged)
flow.user_item_model_generate = noted(flow.user_item_model_generate, shown)
with contextlib.redirect_stdout(io.StringIO()):  # its own table, which holds the same numbers
    flow.execute()
for step, name in zip(steps[1:4], ("train", "attack", "retrain"), strict=True):
    step["step"] = name
cuts = {str(cut): [float(table[:, 2 + place].mean()) for table in shown] for place, cut in enumerate(asked["cuts"])}
shift = float((shown[1][:, 1] - shown[0][:, 1]).mean())
tables = {
    f"{when}/{name}": value.numpy()
    for when, victim in zip("01", victims, strict=True)
    for name, value in victim.state_dict().items()
}
np.savez("weights.npz", **tables)
facts = data["victim_data"].info_describe()
found = {
    "version": version("recad"),
    "steps": steps,
    "hr": cuts,
    "shift": shift,
    "users": len(shown[0]),
    "items": facts["n_items"],
    "likes": facts["train_interactions"],
}
sys.stdout.write(json.dumps(found) + os.linesep)
