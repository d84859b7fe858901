"""Who races, in which environment, with which settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class System:
    """One library.

    Parameters
    ----------
    adapter : str
        Script under ``adapters/``.
    package : str
        Distribution whose version is printed.
    requirements : tuple of str
        What its environment needs; empty for the environment of the driver.
    settings : dict
        At most three settings by name, for each case.
    differs : str
        One paragraph: what this library does otherwise than the others.
    """

    adapter: str
    package: str
    requirements: tuple[str, ...]
    settings: dict[str, Settings]
    differs: str


@dataclass(frozen=True)
class Case:
    """One dataset and what a run on it may cost.

    Parameters
    ----------
    dataset : str
        Registered name.
    budget : float
        CPU seconds of training of one run; tuning runs get half.
    top : int
        Length of the lists.
    seeds : dict of str to int
        Seeds by system.
    """

    dataset: str
    budget: float
    top: int
    seeds: dict[str, int]


def _sampled(n: int) -> dict[str, Any]:
    return {"kind": "sampled_softmax", "negatives": {"source": "uniform", "n": n, "shared": False}}


FULL = {"kind": "full_softmax"}

MODEL = {"dim": 64, "history": 50, "blocks": 2, "heads": 2}
"""The same for all systems."""

CASES = {
    "ml-100k": Case("ml-100k", 120.0, 100, {"reverie": 3, "rectools": 3, "replay": 3, "cornac": 3, "recbole": 3}),
    "amazon-beauty": Case("amazon-beauty", 300.0, 20, {"reverie": 3, "rectools": 3, "replay": 3, "cornac": 3, "recbole": 3}),
}

SYSTEMS = {
    "reverie": System(
        "run_reverie.py",
        "reverie",
        (),
        {
            "ml-100k": {
                "full softmax, batch 32": {"batch_size": 32, "learning_rate": 1e-3, "dropout": 0.2, "objective": FULL},
                "full softmax, batch 32, rate .002": {"batch_size": 32, "learning_rate": 2e-3, "dropout": 0.2, "objective": FULL},
                "64 negatives, batch 16": {"batch_size": 16, "learning_rate": 1e-3, "dropout": 0.2, "objective": _sampled(64)},
            },
            "amazon-beauty": {
                "256 negatives, batch 128": {"batch_size": 128, "learning_rate": 1e-3, "dropout": 0.2, "objective": _sampled(256)},
                "256 negatives, batch 64": {"batch_size": 64, "learning_rate": 1e-3, "dropout": 0.2, "objective": _sampled(256)},
                "256 negatives, batch 64, dropout .3": {
                    "batch_size": 64,
                    "learning_rate": 1e-3,
                    "dropout": 0.3,
                    "objective": _sampled(256),
                },
            },
        },
        "All positions of all windows of 50 events are trained, so no event is lost; padding is never scored; uniform negatives of "
        "its own for each position, or a full softmax in chunks; feed-forward width d; AdamW.",
    ),
    "rectools": System(
        "run_rectools.py",
        "rectools",
        ("torch==2.13.0", "rectools[torch]==0.19.0", "pyarrow<24"),
        {
            "ml-100k": {
                "softmax, batch 128": {"loss": "softmax", "batch_size": 128, "lr": 1e-3, "dropout_rate": 0.2},
                "softmax, batch 32": {"loss": "softmax", "batch_size": 32, "lr": 1e-3, "dropout_rate": 0.2},
                "256 negatives, batch 32": {
                    "loss": "sampled_softmax",
                    "n_negatives": 256,
                    "batch_size": 32,
                    "lr": 1e-3,
                    "dropout_rate": 0.2,
                },
            },
            "amazon-beauty": {
                "softmax, batch 128": {"loss": "softmax", "batch_size": 128, "lr": 1e-3, "dropout_rate": 0.2},
                "64 negatives, batch 128": {
                    "loss": "sampled_softmax",
                    "n_negatives": 64,
                    "batch_size": 128,
                    "lr": 1e-3,
                    "dropout_rate": 0.2,
                },
            },
        },
        "One window of the last 51 events per user (older events are lost); padded positions are computed and scored; full "
        "softmax, or negatives of its own for each position; Adam with betas .9, .98.",
    ),
    "replay": System(
        "run_replay.py",
        "replay-rec",
        ("torch==2.13.0", "replay-rec[torch]==0.22.0"),
        {
            "ml-100k": {
                "full CE, batch 128": {"batch_size": 128, "learning_rate": 1e-3, "dropout": 0.2},
                "full CE, batch 32": {"batch_size": 32, "learning_rate": 1e-3, "dropout": 0.2},
                "full CE, batch 32, rate .002": {"batch_size": 32, "learning_rate": 2e-3, "dropout": 0.2},
            },
            "amazon-beauty": {
                "256 shared negatives, batch 128": {"batch_size": 128, "learning_rate": 1e-3, "dropout": 0.2, "negatives": 256},
                "1024 shared negatives, batch 128": {"batch_size": 128, "learning_rate": 1e-3, "dropout": 0.2, "negatives": 1024},
                "1024 shared negatives, batch 64, dropout .3": {
                    "batch_size": 64,
                    "learning_rate": 1e-3,
                    "dropout": 0.3,
                    "negatives": 1024,
                },
            },
        },
        "One window of the last 51 events per user (older events are lost); full cross-entropy over padded positions too, or "
        "negatives that a whole batch shares; feed-forward width d; Adam with betas .9, .98.",
    ),
    "cornac": System(
        "run_cornac.py",
        "cornac",
        ("torch==2.13.0", "cornac==3.0.1", "pyarrow"),
        {
            "ml-100k": {
                "2048 negatives, batch 128": {"batch_size": 128, "n_sample": 2048, "learning_rate": 1e-3, "dropout": 0.2},
                "2048 negatives, batch 512": {"batch_size": 512, "n_sample": 2048, "learning_rate": 1e-3, "dropout": 0.2},
                "512 negatives, batch 128": {"batch_size": 128, "n_sample": 512, "learning_rate": 1e-3, "dropout": 0.2},
            },
            "amazon-beauty": {
                "2048 negatives, batch 128": {"batch_size": 128, "n_sample": 2048, "learning_rate": 1e-3, "dropout": 0.2},
                "2048 negatives, batch 512": {"batch_size": 512, "n_sample": 2048, "learning_rate": 1e-3, "dropout": 0.2},
            },
        },
        "One row for each prefix: every event is a target, but each prefix is computed anew, at full width 50; negatives drawn by "
        "popularity to the power .5 and shared in a batch, other targets of the batch among them; one user's prefixes stand side "
        "by side in a batch; feed-forward width d; Adam with betas .9, .98. It has no hook: its iterator of batches is wrapped.",
    ),
    "recbole": System(
        "run_recbole.py",
        "recbole",
        ("torch==2.13.0", "recbole==1.2.1", "setuptools<81", "numpy<2", "pandas<3", "scipy<1.16", "pyarrow<24"),
        {
            "ml-100k": {
                "batch 2048, dropout .5": {"train_batch_size": 2048, "hidden_dropout_prob": 0.5, "attn_dropout_prob": 0.5},
                "batch 256, dropout .2": {"train_batch_size": 256, "hidden_dropout_prob": 0.2, "attn_dropout_prob": 0.2},
            },
            "amazon-beauty": {
                "batch 256, dropout .2": {"train_batch_size": 256, "hidden_dropout_prob": 0.2, "attn_dropout_prob": 0.2},
                "batch 256, dropout .5": {"train_batch_size": 256, "hidden_dropout_prob": 0.5, "attn_dropout_prob": 0.5},
            },
        },
        "One row for each prefix, shuffled over all users, at full width 50; full cross-entropy on the last position; post-norm "
        "blocks, feed-forward width 4 d; Adam. The environment pins what RecBole 1.2.1 needs to start at all. Its catalogue also "
        "holds items that occur only in validation and test.",
    ),
}
