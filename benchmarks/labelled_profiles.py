"""All detectors on real labelled profiles: Amazon reviewers called spammers or genuine by people (SDLib's set).

Run ``REVERIE_DATA=… python benchmarks/labelled_profiles.py [--seeds 3]``: it needs ``shilling/sdlib-amazon`` there, prints a table
and appends to ``results/robustness/sdlib-amazon.csv`` (detectors in the column of defences). A fifth of the
labels is known to supervised detectors, all are measured on the others; seeds draw who is known.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reverie.files import sha256
from reverie.robustness.detection_table import DetectorRow, detector_table
from reverie.robustness.labelled_profiles import FILES, labelled_folder, read_labelled_profiles
from reverie.robustness.results import MORE
from reverie.study.environment import commit
from reverie.study.rows import append_rows

TABLE = Path(__file__).resolve().parents[1] / "results" / "robustness" / "sdlib-amazon.csv"
METRICS = ("auc", "ap", "precision", "recall", "f1")


def rows_of(row: DetectorRow, seed: int, digest: str, code: str) -> list[dict[str, Any]]:
    """Return the rows of one detector."""
    common = {
        "recipe": "labelled-sdlib-amazon", "dataset": "sdlib-amazon", "dataset_sha256": digest, "protocol": "labelled(known=0.2)",
        "slice": "all", "seen": "", "fit_on": "", "model": "", "seed": seed, "seconds": row.seconds, "commit": code, "trials": 1,
        "victim": "", "attack": "real-spam", "defence": row.detector, "budget": "", "n": row.figures.users,
        "interval": "bootstrap(200)",
    }  # fmt: skip
    values = row.figures.values()
    return [
        common | {"metric": f"detection_{name}", "value": values[name], "low": row.low[name], "high": row.high[name]}
        for name in METRICS
    ]


def main() -> None:
    """Measure and append."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    folder = labelled_folder()
    evidence, fake = read_labelled_profiles(folder)
    digest, code = sha256(folder / FILES[0])[:12], commit()
    for seed in range(options.seeds):
        for row in detector_table(evidence, fake, seed=seed):
            append_rows(options.table, rows_of(row, seed, digest, code), MORE)
            found = row.figures
            print(
                f"{row.detector:<28} AUC {found.auc:.3f}  AP {found.average_precision:.3f}  F1 {found.true_share.f1:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
