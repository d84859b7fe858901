"""`reverie interpret`: one recipe in, one run folder out; what is done already is not done again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.files import read_json, write_json
from reverie.llm.interpreter.session import Session, open_session, teach
from reverie.llm.interpreter.table import Table, generated_rows, make_table
from reverie.training.environment import commit, environment
from reverie.training.memory import peak_mb, reset_peak
from reverie.training.progress import progress

if TYPE_CHECKING:
    from reverie.llm.interpreter.recipe import InterpreterRecipe

RESULT = "interpreted.json"


@dataclass(frozen=True)
class Interpreted:
    """A finished interpreter."""

    session: Session
    table: Table
    facts: dict[str, Any]


def interpret(
    recipe: InterpreterRecipe, folder: Path, *, device: str | None = None, offline: bool = False, show: bool = True
) -> Interpreted:
    """Train the recommender, teach the interpreter and measure it."""
    session = open_session(recipe, folder, device=device, offline=offline, show=show)
    if not (folder / "taught.json").is_file():
        write_json(folder / "environment.json", environment())
        code = commit()
        reset_peak()
        begin = time.monotonic()
        with progress(recipe.training.steps, f"teaching {recipe.name}", show) as shown:
            teach(session, shown)
        log = _log(folder)
        best = min(log, key=lambda row: row["valid_loss"]) if log else {}
        seconds = max((row["seconds"] for row in log), default=time.monotonic() - begin)
        write_json(
            folder / "taught.json",
            {
                "commit": code,
                "seconds": seconds,
                "peak_mb": peak_mb(),
                "best_step": best.get("epoch"),
                "valid_loss": best.get("valid_loss"),
            },
        )
    else:
        teach(session, _nothing())
    facts: dict[str, Any] = read_json(folder / "taught.json")
    with progress(len(generated_rows(session)), "asking", show) as shown:
        table = make_table(session, session.windows("test"), shown)
    return Interpreted(session, table, facts)


def _log(folder: Path) -> list[dict[str, Any]]:
    import json

    path = folder / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


class _Nothing:
    def advance(self, text: str = "") -> None:
        """Do nothing."""

    def line(self, text: str) -> None:
        """Do nothing."""


def _nothing() -> _Nothing:
    return _Nothing()
