"""Run a red team's recipe: attacks alone, or with the defences, and what the command line shows of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reverie.errors import ConfigError
from reverie.redteam.cells import NONE, AttackCell
from reverie.redteam.claims import claims_table
from reverie.redteam.estimate import estimate_sentences
from reverie.redteam.outputs import read_done, write_outputs
from reverie.redteam.recipe import RED_TEAM, RedTeamRecipe
from reverie.redteam.recipe_lab import RecipeLab
from reverie.redteam.study import Done, RedTeamStudy
from reverie.redteam.summary import Summary
from reverie.redteam.tables import attack_table, defence_table, sentences, summary_json
from reverie.report.table import StudyReport, Table
from reverie.study.call import Call
from reverie.study.environment import tell_commits
from reverie.study.run import run_study


def run_red_team(
    recipe: RedTeamRecipe,
    folder: str | Path,
    *,
    defend: bool = True,
    results: str | Path | None = None,
    device: str | None = None,
    offline: bool = False,
    show: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[RedTeamStudy, Done]:
    """Run a study, or go on with one: only what is neither in the folder nor in the results table is computed.

    Parameters
    ----------
    recipe : RedTeamRecipe
        What to run.
    folder : str or Path
        Where everything is kept.
    defend : bool
        Whether to try the defences, or only to attack targets as they are.
    results : str or Path, optional
        A results table.
    device : str, optional
        Where to compute.
    offline : bool
        Whether nothing may be fetched.
    show : bool
        Whether to show progress.
    say : callable
        Is told what is coming: calls, time, and roles that are one model.

    Returns
    -------
    RedTeamStudy
        The study.
    mapping
        What came of its cells.
    """
    lab = RecipeLab(recipe, device=device, offline=offline)
    for target in recipe.targets:
        lab.goals(target)  # goals with a fault are an error before the folder is taken
    study = RedTeamStudy(recipe, folder, lab, defend=defend)
    for line in estimate_sentences(study, lab):
        say(line)
    return study, run_study(study, results=results, show=show)


def report(recipe: RedTeamRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it."""
    study, done = run_red_team(
        recipe, call.folder, defend=call.more["defend"], results=call.results, device=call.device, offline=call.offline,
        show=call.show, say=call.more["say"],
    )  # fmt: skip
    return shown(study, done, call.command, call.more["detail"])


def reread(folder: Path, results: Path | None = None) -> tuple[RedTeamStudy, Done]:
    """Open the folder of a study and read what is finished in it, or has its rows in a results table; nothing is computed."""
    if not (folder / RED_TEAM.file).is_file():
        raise ConfigError(f"{folder} is no study of a red team, as it holds no {RED_TEAM.file}; name a folder that 'run' wrote")
    recipe = RED_TEAM.load(str(folder / RED_TEAM.file))
    study = RedTeamStudy(recipe, folder, RecipeLab(recipe, offline=True))
    return study, read_done(study, results)


def missing_sentence(study: RedTeamStudy, done: Done) -> str:
    """Say how many attacks of a study are not finished; those behind defences count where some of them are."""
    defended = any(cell.defence != NONE for cell in done)
    attacks = [cell for cell in study.largest() if isinstance(cell, AttackCell) and (defended or cell.defence == NONE)]
    missing = sum(cell not in done for cell in attacks)
    return f"{missing} of {len(attacks)} attacks are not finished, so more may get through" if missing else ""


def shown(study: RedTeamStudy, done: Done, command: str, detail: str) -> StudyReport:
    """Write the files of a study, and return what a terminal shows of it."""
    summary = Summary(study.recipe, done)
    files = write_outputs(study, done, command, detail)
    tables: list[Table | str] = []
    for target in study.recipe.targets:
        tables.append(attack_table(summary, target))
        if summary.defences(target) != [NONE]:
            tables.append(defence_table(summary, target))
    compared = claims_table(summary, "comparisons")
    if any(cell.defence != NONE for cell in done) and compared.cells:
        tables.append(compared)
    commits = (one.commit for one in done.values() if one is not None)
    return StudyReport(summary_json(summary), [*tables, *sentences(summary), *tell_commits(commits)], files)
