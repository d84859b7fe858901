"""`reverie collm`: a language model that recommends with titles and collaborative vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Device, Json, Offline, Quiet, Settings, console, print_json, print_list


def collm(
    recipe: Annotated[str | None, typer.Argument(help="Name of a packaged recipe, or a YAML file.")] = None,
    settings: Settings = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Seconds instead of an hour: a random language model, few rows.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run; runs/<name> by default.")] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Append all test metrics to this CSV table.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the packaged recipes.")] = False,
    device: Device = None,
    offline: Offline = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Teach CoLLM in two steps and print it beside all its controls; the same command again goes on where it was cut.

    Example: reverie collm collm-ml-1m-small --results results/language.csv
    """
    from reverie.errors import ConfigError
    from reverie.llm.collm.recipe import COLLM

    if listed:
        loaded = [COLLM.load(name) for name in COLLM.files()]
        if json:
            print_json([{"name": one.name, "dataset": one.dataset.name, "description": one.description} for one in loaded])
            return
        print_list(("recipe", "description"), [(one.name, one.description) for one in loaded])
        return
    if recipe is None:
        raise ConfigError("say which recipe, e.g. 'reverie collm collm-ml-1m-small'; 'reverie collm --list' names them")
    chosen = COLLM.load(recipe, settings or (), smoke)

    from reverie.cli.language import be_offline
    from reverie.files import write_json, write_text
    from reverie.llm.collm.page import write_report
    from reverie.llm.collm.study import run_collm
    from reverie.llm.collm.table import INFORMED, differences_table, markdown, plain, rows_table, study_table

    be_offline(offline)
    folder = out or Path("runs") / chosen.name
    done = run_collm(chosen, folder, device=device, results=results, show=not (quiet or json), offline=offline)
    table = study_table(done)
    written = [folder / "table.json", folder / "table.md"]
    write_json(written[0], plain(done, table))
    write_text(written[1], markdown(done, table))
    written.append(write_report(done, table, folder / "report.html"))
    if json:
        print_json(plain(done, table) | {"files": written})
        return
    screen = console(quiet)
    rows, users = table.counts["all"]
    both = table.metrics.filter(row="bias", slice="all", metric="uauc")
    screen.print(
        f"{done.split.dataset}: {rows} test rows of {users} users; UAUC and NDCG over {both['n'][0]} users with both labels; "
        f"rows drawn with seed {chosen.rows.seed}",
        markup=False,
        soft_wrap=True,
    )
    rows_table(done, table).print(screen)
    if not table.differences.is_empty():
        differences_table(table).print(screen)
    if INFORMED in done.test_scores:
        screen.print(
            f"{INFORMED} also knows which earlier held-out rows were not liked; no other row does", markup=False, soft_wrap=True
        )
    for row, found in table.calibration.items():
        said = ", ".join(f"{one.how} {one.log_loss:.4f} / {one.ece:.4f}" for one in found)
        screen.print(f"log-loss / calibration error of {row}: {said}", markup=False, soft_wrap=True)
    screen.print(f"written: {', '.join(map(str, written))}", markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command()(collm)
