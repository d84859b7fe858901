"""What a finished study leaves for people and for other tools: the page, garak's fields, AVID, and a plain summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reverie.files import write_json
from reverie.redteam.attempts import Attempt
from reverie.redteam.avid import write_avid
from reverie.redteam.cells import NONE, AttackCell, Attacked, Cell, Result
from reverie.redteam.garak_files import write_garak
from reverie.redteam.goals import goals_digest
from reverie.redteam.page import write_page
from reverie.redteam.study import Done, RedTeamStudy
from reverie.redteam.summary import Summary
from reverie.redteam.tables import summary_json
from reverie.study.rows import read_rows
from reverie.study.run import cell_key
from reverie.study.store import key

SUMMARY = "summary.json"


def write_outputs(study: RedTeamStudy, done: Done, command: str = "", detail: str = "moderate") -> list[Path]:
    """Write the page, the garak files and the AVID reports of a study into its folder, and return them.

    A defended target has garak files of its own, ``<target>+<defence>.report.jsonl``; the page draws its examples from targets as
    they are.

    Parameters
    ----------
    study : RedTeamStudy
        The study.
    done : mapping
        Its finished cells.
    command : str
        How it was run.
    detail : {"limited", "moderate", "detailed"}
        How much the AVID reports tell; ``limited`` also leaves out examples and garak's files, which hold texts, and deletes those
        of an earlier report. The attempts themselves stay in the study's folder.
    """
    summary, folder = Summary(study.recipe, done), study.folder
    shown = [] if detail == "limited" else list(read_attempts(study, done))
    digests = [goals_digest(study.lab.goals(target)) for target in study.recipe.targets]
    plain = [one for cell, one in shown if cell.defence == NONE]
    files = [write_page(summary, folder / "report.html", digests, plain, command)]
    run = key({"recipe": study.recipe.model_dump(mode="json")})
    if detail == "limited":
        for old in (*folder.glob("*.report.jsonl"), *folder.glob("*.hitlog.jsonl")):
            old.unlink()
    defended: dict[tuple[str, str], list[Attempt]] = {}
    for cell, one in shown:
        defended.setdefault((cell.target, study.recipe.label(cell.defence, cell.round)), []).append(one)
    for (target, defence), mine in defended.items():
        name = target if defence == NONE else f"{target}+{defence}"
        files += write_garak(folder, name, f"{run}:{name}", name, mine)
    files.append(write_avid(folder / "avid.jsonl", summary, detail))
    write_json(folder / SUMMARY, summary_json(summary))
    return [*files, folder / SUMMARY]


def read_attempts(study: RedTeamStudy, done: Mapping[Cell, Result | None]) -> Iterator[tuple[AttackCell, Attempt]]:
    """Yield the attempts with their cells, in order: on targets as they are, and behind each defence.

    Of a cell that was restored from its rows there are none.
    """
    for cell, result in done.items():
        if isinstance(cell, AttackCell) and isinstance(result, Attacked) and result.folder:
            for one in study.lab.read_attempts(cell.target, Path(result.folder)):
                yield cell, one


def read_done(study: RedTeamStudy, results: Path | None = None) -> dict[Cell, Result | None]:
    """Return the cells of a study that are finished in its folder, or whose rows stand in a results table, computing nothing."""
    by_key: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(results) if results is not None else ():
        by_key.setdefault(row["key"], []).append(row)
    done: dict[Cell, Result | None] = {}
    while True:
        named = [cell for cell in dict.fromkeys(study.cells(done)) if cell not in done]
        here = [cell for cell in named if study.is_kept(cell)]
        rows = {cell: found for cell in named if cell not in here and (found := by_key.get(cell_key(study, cell)))}
        if not here and not rows:
            return done
        done |= {cell: study.run(cell, lambda _: None) for cell in here}
        done |= {cell: study.restore(cell, found) for cell, found in rows.items()}
