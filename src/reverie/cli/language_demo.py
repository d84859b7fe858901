"""`reverie demo --language`: recommenders in words."""

from __future__ import annotations

from pathlib import Path

DEMO = {"recinterpreter-sasrec-ml-100k-short": 3, "recinterpreter-dreamrec-ml-100k-short": 2}
"""Interpreters of the demo, and how many people each explains."""


def language_demo(out: Path, smoke: bool, device: str | None, offline: bool) -> None:
    """Train SASRec and DreamRec on MovieLens-100K, let a small language model read both, and print tables and explanations."""
    from reverie.cli.explain import show_explanation
    from reverie.cli.options import be_offline, console
    from reverie.llm.interpreter.explain import explain_user
    from reverie.llm.interpreter.recipe import INTERPRETER
    from reverie.llm.interpreter.session import open_taught
    from reverie.llm.interpreter.study import report
    from reverie.study.call import Call

    be_offline(offline)
    screen = console()
    for name, people in DEMO.items():
        recipe = INTERPRETER.load(name, smoke=smoke)
        screen.print(f"{recipe.name}: {recipe.description}", markup=False)
        folder = out / recipe.name
        report(recipe, Call(folder, "reverie demo --language", device=device, offline=offline)).print(screen)
        session = open_taught(folder, device=device, offline=offline)
        for user in session.windows("test").users[:people]:
            screen.print("")
            show_explanation(explain_user(session, str(session.split.vocabulary.users[int(user)])), screen)
        screen.print("")
