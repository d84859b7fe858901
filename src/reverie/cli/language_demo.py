"""`reverie demo --language`: recommenders in words."""

from __future__ import annotations

from pathlib import Path

DEMO = {"recinterpreter-sasrec-ml-100k-short": 3, "recinterpreter-dreamrec-ml-100k-short": 2}
"""Interpreters of the demo, and how many people each explains."""


def language_demo(out: Path, smoke: bool, device: str | None, offline: bool) -> None:
    """Train SASRec and DreamRec on MovieLens-100K, let a small language model read both, and print tables and explanations."""
    from reverie.cli.explain import show_explanation
    from reverie.cli.language import be_offline
    from reverie.cli.options import console
    from reverie.llm.interpreter.explain import explain_user
    from reverie.llm.interpreter.page import write_page
    from reverie.llm.interpreter.recipe import INTERPRETER
    from reverie.llm.interpreter.rows import print_table
    from reverie.llm.interpreter.study import run_interpreter

    be_offline(offline)
    screen = console()
    for name, people in DEMO.items():
        recipe = INTERPRETER.load(name, smoke=smoke)
        screen.print(f"{recipe.name}: {recipe.description}", markup=False)
        done = run_interpreter(recipe, out / recipe.name, device=device, offline=offline)
        print_table(done, screen)
        screen.print(
            f"with examples: {write_page(done, out / recipe.name / 'report.html', 'reverie demo --language')}", markup=False
        )
        for user in done.session.windows("test").users[:people]:
            screen.print("")
            show_explanation(explain_user(done.session, str(done.session.split.vocabulary.users[int(user)])), screen)
        screen.print("")
