"""`reverie demo`: a leaderboard on MovieLens-100K, or two recommenders in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverie.cli.options import Device, Offline, be_offline, console, say
from reverie.errors import ReverieError, short

if TYPE_CHECKING:
    from rich.console import Console

DEMO = {"recinterpreter-sasrec-ml-100k-short": 3, "recinterpreter-dreamrec-ml-100k-short": 2}
"""Interpreters of the demo, and how many people each explains."""


def language_demo(out: Path, smoke: bool, device: str | None, offline: bool) -> None:
    """Train SASRec and DreamRec on MovieLens-100K, let a small language model read both, and print tables and explanations."""
    from reverie.cli.explain import show_explanation
    from reverie.llm.interpreter.answers import explain_user
    from reverie.llm.interpreter.recipe import INTERPRETER
    from reverie.llm.interpreter.session import open_taught
    from reverie.llm.interpreter.study import report
    from reverie.study.call import Call

    be_offline(offline)
    screen, folder, user = console(), out, ""
    for name, people in DEMO.items():
        recipe = INTERPRETER.load(name, smoke=smoke)
        screen.print(f"{recipe.name}: {recipe.description}", markup=False)
        folder = out / recipe.name
        report(recipe, Call(folder, "reverie demo --language", device=device, offline=offline)).print(screen)
        session = open_taught(folder, device=device, offline=offline)
        for person in session.windows("test").users[:people]:
            screen.print("")
            user = str(session.split.vocabulary.users[int(person)])
            show_explanation(explain_user(session, user), screen)
        screen.print("")
    _show_imagined(folder, user, screen, device, offline)
    report(recipe, Call(folder, "reverie demo --language", device=device, offline=offline, show=False))


def _show_imagined(run: Path, user: str, screen: Console, device: str | None, offline: bool) -> None:
    """Paint what the last recommender imagines for a person, or say why there is no picture."""
    from reverie.imagery.chain import imagine_user
    from reverie.imagery.chain_section import person_folder
    from reverie.imagery.workshop import Workshop

    try:
        found = imagine_user(run, user, person_folder(run, user), {}, Workshop(device=device, offline=offline, tell=say))
    except ReverieError as error:
        screen.print(f"no picture of what it imagines for {user}: {error}", markup=False, soft_wrap=True)
        return
    screen.print(f"what it imagines for {user}, as a picture:", markup=False)
    for line in found["lines"]:
        screen.print(line, markup=False, soft_wrap=True)


DEMO_MODELS = ("popularity", "recent-popularity", "markov", "co-occurrence", "item-knn", "vmis-knn", "ease", "sasrec")
"""What the demo compares: what counting can do, and one transformer; `reverie compare ml-100k --models all` takes all models."""


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of the runs and of report.html.")] = Path("runs/demo"),
    smoke: Annotated[bool, typer.Option("--smoke", help="Two epochs only, to see that everything works.")] = False,
    language: Annotated[bool, typer.Option("--language", help="Recommenders in words instead, by a small language model.")] = False,
    device: Device = None,
    offline: Offline = False,
) -> None:
    """Fetch MovieLens-100K, train eight models, print a leaderboard and write it as an HTML page.

    Example: reverie demo --out runs/demo
    """
    if language:
        language_demo(out, smoke, device, offline)
        return
    import time

    from reverie.cli.compare import conclude
    from reverie.data.describe import describe
    from reverie.data.sources.load import load_dataset
    from reverie.evaluation import recommend
    from reverie.training.comparison import compare_recipes
    from reverie.training.plan import recipes_for
    from reverie.training.recipe import change_recipe

    begin, screen = time.monotonic(), console()
    screen.print("1/4  data: MovieLens-100K")
    dataset = load_dataset("ml-100k", offline=offline)
    facts = describe(dataset)
    screen.print(f"     {facts['users']} users, {facts['items']} items, {facts['events']} events · {dataset.licence}", markup=False)
    screen.print(f"2/4  training {len(DEMO_MODELS)} models; the last two events of each user are kept for validation and test")
    recipes = recipes_for({"name": "ml-100k"}, {"protocol": "leave_one_out"}, DEMO_MODELS, "ml-100k")
    recipes = [change_recipe(recipe, ["training.epochs=2"] if smoke else []) for recipe in recipes]
    comparison = compare_recipes(
        recipes, out, device=device, offline=offline, report=lambda line: screen.print(f"     {line}", markup=False)
    )
    screen.print("3/4  leaderboard")
    conclude(comparison, out)
    screen.print("4/4  after 'Toy Story', 'Star Wars' and 'Fargo', the transformer would show:")
    model = next(run for run in comparison.runs if run.recipe.model_name == "sasrec").model()
    films = ["Toy Story (1995)", "Star Wars (1977)", "Fargo (1996)"]
    for row in recommend(model, films, k=5, titles=True).iter_rows(named=True):
        screen.print(f"     {row['rank']}. {short(row['title'])}", markup=False)
    screen.print(f"done in {time.monotonic() - begin:.0f} s", markup=False)
