"""The time of one list of a run's model, measured once and kept in its folder."""

from __future__ import annotations

from dataclasses import asdict

from reverie.data.queries import Queries
from reverie.documents import read_as
from reverie.evaluation.serving import Serving, measure_serving
from reverie.files import write_json
from reverie.training.run import Run

FILE = "serving.json"


def kept_serving(run: Run) -> Serving | None:
    """Return what was measured before; None where nothing was."""
    path = run.folder / FILE
    return read_as(Serving, path, "delete it") if path.exists() else None


def serving_of(run: Run, queries: Queries) -> Serving | None:
    """Return the time of one list of ten, measured now where it is not known; None where no query has a history."""
    found = kept_serving(run) or measure_serving(run.model(), queries)
    if found is not None and not (run.folder / FILE).exists():
        write_json(run.folder / FILE, asdict(found))
    return found
