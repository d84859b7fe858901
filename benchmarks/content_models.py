"""An epoch of VBPR beside another library's, on TikTok with features of picture and sound, and of FREEDOM beside LightGCN.

Every system trains in a process of its own, on one thread, with vectors of width 64, and 64 more for content where there is any,
one negative, batches of 2,048 pairs and a learning rate of 0.001; time is processor time of the training loop alone, per epoch.
Recall is that of the validation part after those epochs, by one function over the scores of each. Cornac runs in an environment of
its own, which is made where it is missing, as in ``peers/``; it reads one modality, so both are laid side by side::

    python benchmarks/content_models.py [--epochs 5] [--environments FOLDER] [--no-peer]

Appends to ``results/content_models.csv``. MMRec, the library of FREEDOM's authors, is no package and is not installed here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from memory import peak_mb

WIDTH, BATCH, RATE, TOP = 64, 2048, 1e-3, 20
CORNAC = ("cornac==3.0.1", "torch==2.13.0")
Arrays = dict[str, np.ndarray]


def tiktok() -> Arrays:
    """Return pairs [E, 2] of the training and the validation part by code, and both features side by side [N, F]."""
    from reverie import load_dataset
    from reverie.data.splits import given

    split = given(load_dataset("mm-tiktok"))
    train, found = split.train, split.vocabulary.content
    pairs = np.stack([train.users[train.event_rows()], train.items[train.positions()].astype(np.int64) - 1], axis=1)
    asked, targets = split.valid.users, split.valid.targets
    held_out = np.array([(asked[row], code - 1) for row in range(len(asked)) for code in np.atleast_1d(targets[row])])
    return {"train": pairs, "valid": held_out, "features": np.concatenate([found[name].values for name in sorted(found)], 1)}


def recall(scores: np.ndarray, data: Arrays) -> float:
    """Return the mean share of each user's held-out items among the first 20, those of training left out; scores [U, N]."""
    scores[data["train"][:, 0], data["train"][:, 1]] = -np.inf
    asked = np.unique(data["valid"][:, 0])
    first = np.argpartition(-scores[asked], TOP, axis=1)[:, :TOP]
    listed = np.zeros((len(scores), scores.shape[1]), bool)
    listed[asked[:, None], first] = True
    hits = np.bincount(data["valid"][:, 0], listed[data["valid"][:, 0], data["valid"][:, 1]], len(scores))
    counts = np.bincount(data["valid"][:, 0], minlength=len(scores))
    return float((hits[asked] / counts[asked]).mean())


def ours(name: str, data: Arrays, epochs: int) -> dict[str, Any]:
    """Train with the trainer that `reverie.fit` uses."""
    import torch

    from reverie import load_dataset
    from reverie.data.batch import SequenceBatch
    from reverie.data.splits import given
    from reverie.models import create_model
    from reverie.study.progress import progress
    from reverie.training.config import TrainingConfig
    from reverie.training.loop import Trainer, training_source

    train = given(load_dataset("mm-tiktok")).train
    model: Any = create_model(name, train.vocabulary, dim=WIDTH, **({"layers": 2} if name == "lightgcn" else {}))
    config = TrainingConfig(epochs=epochs, batch_size=BATCH, learning_rate=RATE)
    trainer = Trainer(model, training_source(model, train), config, None, None, torch.device("cpu"))
    before, begin = peak_mb(), time.process_time()
    with progress(epochs, "epochs", False) as shown:
        trainer.run(shown)
    found = {"seconds": (time.process_time() - begin) / epochs, "mb": peak_mb() - before}
    users = torch.arange(train.vocabulary.n_users)
    batch = SequenceBatch(torch.zeros(len(users), 1, dtype=torch.int64), torch.zeros(len(users), dtype=torch.int64), users)
    with torch.inference_mode():
        return found | {"recall": recall(model.scores(batch).numpy(), data)}


def cornac(name: str, data: Arrays, epochs: int) -> dict[str, Any]:
    """Train with Cornac's own loop; its ids are put back into the order of the codes."""
    from importlib.metadata import version

    from cornac.data import Dataset, ImageModality
    from cornac.models import VBPR

    events = [(int(user), int(item), 1.0) for user, item in data["train"]]
    train = Dataset.from_uir(events, seed=0)
    images = ImageModality(features=data["features"], ids=list(range(len(data["features"]))))
    images.build(id_map=train.iid_map)
    train.add_modalities(item_image=images)
    options = {"k": WIDTH, "k2": WIDTH, "batch_size": BATCH, "learning_rate": RATE, "verbose": False, "seed": 0}
    began: list[float] = []
    batches = train.uij_iter

    def timed(*words: Any, **named: Any) -> Any:
        began.append(time.process_time())
        return batches(*words, **named)

    train.uij_iter = timed  # its training begins when the first batch is asked for
    before = peak_mb()
    model = VBPR(n_epochs=epochs, **options).fit(train)
    found = {"seconds": (time.process_time() - began[0]) / epochs, "mb": peak_mb() - before, "version": version("cornac")}
    known_users, known_items = (np.array(list(ids)) for ids in (train.uid_map, train.iid_map))
    scores = np.full((data["train"][:, 0].max() + 1, len(data["features"])), -1e9)
    every = model.gamma_user @ model.gamma_item.T + model.theta_user @ model.theta_item.T + model.beta_item + model.visual_bias
    scores[np.ix_(known_users, known_items)] = every[: len(known_users), : len(known_items)]
    return found | {"recall": recall(scores, data)}


def main() -> None:
    """Measure every system in a process of its own, and record what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--environments", type=Path, help="where the environments of the peers are; by default the cache")
    parser.add_argument("--no-peer", action="store_true", help="measure only Reverie")
    parser.add_argument("--one", nargs=3, metavar=("SYSTEM", "MODEL", "DATA"), help="measure one here and print JSON")
    asked = parser.parse_args()
    if asked.one:
        import torch

        torch.set_num_threads(1)
        system, name, path = asked.one
        with np.load(path) as held:
            data = dict(held)
        print(json.dumps((cornac if system == "cornac" else ours)(name, data, asked.epochs)))
        return
    from common import record

    systems = [("reverie", name, sys.executable) for name in ("vbpr", "freedom", "lightgcn", "mf")]
    if not asked.no_peer:
        sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
        from environments import environment

        from reverie.files import cache_folder

        place = environment("cornac", "cornac", CORNAC, asked.environments or cache_folder() / "peers")
        systems.insert(1, ("cornac", "vbpr", str(place)))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="reverie-") as scratch:
        np.savez(Path(scratch) / "data.npz", **tiktok())
        for system, name, python in systems:
            command = [python, str(Path(__file__).resolve()), "--one", system, name, f"{scratch}/data.npz"]
            done = subprocess.run([*command, "--epochs", str(asked.epochs)], capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{system} failed:\n{done.stderr}")
            found = json.loads(done.stdout.splitlines()[-1])
            case = f"{name} mm-tiktok d={WIDTH} B={BATCH} {asked.epochs} epochs"
            named = {"benchmark": "content_models", "case": case, "system": system}
            if "version" in found:
                named["version"] = found["version"]
            rows.append(named | {"metric": "cpu time of an epoch", "value": found["seconds"], "unit": "s"})
            rows.append(named | {"metric": "peak memory growth", "value": found["mb"], "unit": "MB"})
            rows.append(named | {"metric": f"validation recall@{TOP}", "value": found["recall"], "unit": ""})
    record(rows)


if __name__ == "__main__":
    main()
