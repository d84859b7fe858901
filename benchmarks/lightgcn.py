"""LightGCN: its propagation in several forms, and one epoch of training beside RecBole's, on a graph of Gowalla's size.

Every epoch is a process of its own, on one thread, with vectors of width 64, three layers and BPR with one negative; times are
processor time. By default the graph is made up, with degrees that fall as a power of the rank; ``--data cf-gowalla`` takes the
training part of the real one. RecBole runs in an environment of its own, which is made where it is missing, as in ``peers/``::

    python benchmarks/lightgcn.py [--data cf-gowalla] [--environments FOLDER] [--no-peer]

Appends to ``results/lightgcn.csv``. RecBole computes the published form: one product of the whole adjacency as a COO matrix for
each layer, and autograd. All systems are seen to propagate the same vectors to the same result.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from memory import peak_mb
from torch import Tensor

WIDTH, LAYERS, DECAY = 64, 3, 1e-4
GOWALLA = (29_858, 40_981, 810_128)
"""Users, items and training events."""


def made_up(users: int, items: int, edges: int) -> np.ndarray:
    """Return distinct pairs [E, 2] of users and items, drawn by weights that fall as a power of the rank."""
    generator = np.random.default_rng(0)

    def drawn(size: int, power: float) -> np.ndarray:
        weights = (np.arange(size) + 20.0) ** -power
        return generator.choice(size, 3 * edges // 2, p=generator.permutation(weights / weights.sum()))

    pairs = generator.permutation(np.unique(drawn(users, 0.6) * items + drawn(items, 0.7)))[:edges]
    return np.stack(np.divmod(np.sort(pairs), items), axis=1)


def published(name: str) -> np.ndarray:
    """Return the training pairs [E, 2] of a registered dataset."""
    from reverie import load_dataset
    from reverie.data.splits import given

    train = given(load_dataset(name)).refit
    return np.stack([train.users[train.event_rows()], train.items[train.positions()].astype(np.int64) - 1], axis=1)


def start_vectors(pairs: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return vectors of users and items, by their sorted ids, the same for every system."""
    generator = torch.Generator().manual_seed(0)
    sizes = (len(np.unique(column)) for column in pairs.T)
    users, items = (torch.randn(size, WIDTH, generator=generator) * 0.1 for size in sizes)
    return users, items


def lengths(users: Tensor, items: Tensor) -> list[float]:
    """Return the lengths of both tables laid flat, which do not depend on the order of rows."""
    return [float(table.detach().double().norm()) for table in (users, items)]


def our_epoch(pairs: np.ndarray, batch: int, folder: Path) -> dict[str, Any]:
    """Train one epoch with the trainer that `reverie.fit` uses."""
    import polars as pl

    from reverie.data.dataset import Dataset
    from reverie.models import create_model
    from reverie.study.progress import progress
    from reverie.training.config import TrainingConfig
    from reverie.training.loop import Trainer, training_source

    train = Dataset(pl.DataFrame({"user": pairs[:, 0], "item": pairs[:, 1]}), name="graph", order="none").sequences
    model: Any = create_model("lightgcn", train.vocabulary, dim=WIDTH, layers=LAYERS, decay=DECAY)
    with torch.no_grad():
        for table, start in zip((model.users, model.encoder.weight), start_vectors(pairs), strict=True):
            table.copy_(start)
    config = TrainingConfig(epochs=1, batch_size=batch, learning_rate=1e-3)
    trainer = Trainer(model, training_source(model, train), config, None, None, torch.device("cpu"))
    with torch.no_grad():
        propagated = lengths(*model.graph(model.users, model.encoder.weight, LAYERS))
    before, begin = peak_mb(), time.process_time()
    with progress(1, "epoch", False) as shown:
        trainer.run(shown)
    return {"seconds": time.process_time() - begin, "mb": peak_mb() - before, "lengths": propagated}


def recbole_epoch(pairs: np.ndarray, batch: int, folder: Path) -> dict[str, Any]:
    """Train one epoch with RecBole's own trainer, on all pairs; validation and test hold one pair each and are not looked at."""
    import logging
    from importlib.metadata import version

    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed
    from scipy.sparse import dok_matrix

    dok_matrix._update = lambda matrix, entries: matrix._dict.update(entries)  # RecBole 1.2.1 calls what SciPy has renamed
    sys.argv = sys.argv[:1]  # RecBole reads the command line too
    logging.disable(logging.WARNING)
    (folder / "graph").mkdir()
    for part, rows in (("train", pairs), ("valid", pairs[:1]), ("test", pairs[:1])):
        path = folder / "graph" / f"graph.{part}.inter"
        np.savetxt(path, rows, fmt="%d", delimiter="\t", header="user_id:token\titem_id:token", comments="")
    options = {
        "data_path": str(folder),
        "benchmark_filename": ["train", "valid", "test"],
        "load_col": {"inter": ["user_id", "item_id"]},
        "use_gpu": False,
        "show_progress": False,
        "embedding_size": WIDTH,
        "n_layers": LAYERS,
        "reg_weight": DECAY,
        "require_pow": True,
        "train_batch_size": batch,
        "learning_rate": 1e-3,
        "checkpoint_dir": str(folder / "saved"),
        "seed": 0,
    }
    config = Config(model="LightGCN", dataset="graph", config_dict=options)
    init_seed(0, True)
    dataset = create_dataset(config)
    train, _, _ = data_preparation(config, dataset)
    model = get_model("LightGCN")(config, train.dataset)
    tables, fields = (model.user_embedding.weight, model.item_embedding.weight), ("user_id", "item_id")
    with torch.no_grad():
        for table, field, column, start in zip(tables, fields, pairs.T, start_vectors(pairs), strict=True):
            ids = np.array([int(token) for token in dataset.field2id_token[field][1:]])
            table[1:] = start[np.searchsorted(np.unique(column), ids)]
            table[0] = 0.0
        propagated = lengths(*model.forward())
    trainer = get_trainer(config["MODEL_TYPE"], "LightGCN")(config, model)
    before, begin = peak_mb(), time.process_time()
    trainer._train_epoch(train, 0)
    found = {"seconds": time.process_time() - begin, "mb": peak_mb() - before, "lengths": propagated}
    return found | {"version": version("recbole")}


EPOCHS = {"reverie": our_epoch, "recbole": recbole_epoch}


def forms(pairs: np.ndarray) -> dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]]:
    """Return the propagation in several forms, each a differentiable function of both tables."""
    from reverie.models.lightgcn.model import InteractionGraph

    (_, u), (_, i) = (np.unique(column, return_inverse=True) for column in pairs.T)
    users, items = torch.from_numpy(u), torch.from_numpy(i)
    n_users, n_items = int(users.max()) + 1, int(items.max()) + 1
    graph = InteractionGraph(n_users, n_items)
    graph.connect(users, items)
    weights = (graph.user_degrees[users].float() * graph.item_degrees[items].float()).rsqrt()
    whole = torch.cat([torch.stack([users, items + n_users]), torch.stack([items + n_users, users])], 1)
    size = (n_users + n_items, n_users + n_items)
    coo = torch.sparse_coo_tensor(whole, torch.cat([weights, weights]), size, check_invariants=False).coalesce()
    csr = coo.to_sparse_csr()
    narrow = (csr.crow_indices().int(), csr.col_indices().int(), csr.values())
    csr = torch.sparse_csr_tensor(*narrow, size=size, check_invariants=False)

    class Symmetric(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, vectors: Tensor) -> Tensor:
            return csr @ vectors

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return csr @ gradient

    def gathered(vectors: Tensor) -> Tensor:
        sent = vectors.index_select(0, coo.indices()[1]) * coo.values()[:, None]
        return torch.zeros_like(vectors).index_add(0, coo.indices()[0], sent)

    def layered(product: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        def run(user_vectors: Tensor, item_vectors: Tensor) -> tuple[Tensor, Tensor]:
            layers = [torch.cat([user_vectors, item_vectors])]
            for _ in range(LAYERS):
                layers.append(product(layers[-1]))
            mean = torch.stack(layers).mean(0)
            return mean[:n_users], mean[n_users:]

        return run

    return {
        "reverie": lambda user_vectors, item_vectors: graph(user_vectors, item_vectors, LAYERS),
        "torch CSR int32, its own transpose": layered(Symmetric.apply),
        "torch COO sparse.mm, autograd": layered(lambda vectors: torch.sparse.mm(coo, vectors)),
        "torch index_add, autograd": layered(gathered),
    }


def propagations(pairs: np.ndarray, case: str, repeats: int = 5) -> list[dict[str, Any]]:
    """Return rows on one propagation forward and backward; the least of some runs, the systems taking turns."""
    start = start_vectors(pairs)
    gradient = [torch.randn(table.shape, generator=torch.Generator().manual_seed(1)) for table in start]
    taken: dict[str, list[tuple[float, float]]] = {}
    results: dict[str, Tensor] = {}
    for _ in range(repeats):
        for system, run in forms(pairs).items():
            tables = [table.clone().requires_grad_() for table in start]
            begin = time.process_time()
            out = run(*tables)
            middle = time.process_time()
            torch.autograd.backward(out, gradient)
            taken.setdefault(system, []).append((middle - begin, time.process_time() - middle))
            results[system] = torch.cat([*out, *(table.grad for table in tables)]).detach()
    rows = []
    for system, times in taken.items():
        torch.testing.assert_close(results[system], results["reverie"], rtol=1e-3, atol=1e-5)
        named = {"benchmark": "lightgcn", "case": case, "system": system, "unit": "ms"}
        if system != "reverie":
            named["version"] = torch.__version__
        for place, metric in enumerate(("cpu time forward", "cpu time backward")):
            rows.append(named | {"metric": metric, "value": min(time[place] for time in times) * 1e3})
    return rows


def epochs(pairs: np.ndarray, batches: list[int], graph: str, peer: Path | None) -> list[dict[str, Any]]:
    """Return rows on one epoch of each system at each batch size."""
    rows: list[dict[str, Any]] = []
    seen: list[list[float]] = []
    with tempfile.TemporaryDirectory(prefix="reverie-") as scratch:
        np.save(Path(scratch) / "pairs.npy", pairs)
        for batch in batches:
            for system in ("reverie", *(("recbole",) if peer else ())):
                python = sys.executable if system == "reverie" else str(peer)
                with tempfile.TemporaryDirectory(dir=scratch) as work:
                    command = [python, str(Path(__file__).resolve()), "--one", system, f"{scratch}/pairs.npy", str(batch)]
                    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(f"{system} failed:\n{done.stderr}")
                found = json.loads(done.stdout.splitlines()[-1])
                seen.append(found["lengths"])
                named = {"benchmark": "lightgcn", "case": f"epoch B={batch} {graph}", "system": system}
                if "version" in found:
                    named["version"] = found["version"]
                rows.append(named | {"metric": "cpu time", "value": found["seconds"], "unit": "s"})
                rows.append(named | {"metric": "peak memory growth", "value": found["mb"], "unit": "MB"})
    np.testing.assert_allclose(seen, [seen[0]] * len(seen), rtol=1e-4)
    return rows


def main() -> None:
    """Measure the forms of the propagation here and every epoch in a process of its own, and record what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a registered dataset that comes split, e.g. cf-gowalla, instead of a made-up graph")
    parser.add_argument("--size", nargs=3, type=int, default=list(GOWALLA), metavar=("USERS", "ITEMS", "EDGES"))
    parser.add_argument("--batches", type=int, nargs="+", default=[2048, 8192])
    parser.add_argument("--environments", type=Path, help="where the environments of the peers are; by default the cache")
    parser.add_argument("--no-peer", action="store_true", help="measure only Reverie and torch")
    parser.add_argument("--one", nargs=3, metavar=("SYSTEM", "PAIRS", "BATCH"), help="measure one epoch here and print JSON")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Sparse", category=UserWarning)
    if asked.one:
        system, path, batch = asked.one
        torch.manual_seed(0)
        print(json.dumps(EPOCHS[system](np.load(path), int(batch), Path.cwd())))
        return
    from common import record

    peer = None
    if not asked.no_peer:
        sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
        from environments import interpreter

        from reverie.files import cache_folder

        peer = interpreter("recbole", asked.environments or cache_folder() / "peers")
    pairs = published(asked.data) if asked.data else made_up(*asked.size)
    graph = f"{asked.data or 'made up'} {len(pairs):,} edges d={WIDTH} K={LAYERS}"
    record(propagations(pairs, f"propagation {graph}"))
    record(epochs(pairs, asked.batches, graph, peer))


if __name__ == "__main__":
    main()
