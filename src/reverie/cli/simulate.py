"""`reverie simulate`: what recommenders earn in a world, beside the world's own policies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Json, Offline, Quiet, console, print_json
from reverie.errors import ConfigError

_SET = "Change an option of the world, e.g. --set gamma=0.9; of a log also --set 'sessions={gap_minutes: 30}', as in a recipe."


def simulate(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a saved model.")],
    world: Annotated[
        str, typer.Option("--world", help="session, coat, or a log to imitate: a named dataset or the path of an event log.")
    ] = "session",
    policy: Annotated[str, typer.Option("--policy", help="argmax, softmax, epsilon-top-k or plackett-luce.")] = "argmax",
    temperature: Annotated[float, typer.Option("--temperature", help="Of softmax and plackett-luce, in units of scores.")] = 1.0,
    epsilon: Annotated[float, typer.Option("--epsilon", help="Share of epsilon-top-k that is drawn among all items.")] = 0.1,
    k: Annotated[int, typer.Option("-k", help="Of epsilon-top-k.")] = 10,
    against: Annotated[list[Path] | None, typer.Option("--against", help="Another run, under the same chances.")] = None,
    sessions: Annotated[int, typer.Option("--sessions", min=2, max=1_000_000, help="Sessions of each policy.")] = 1000,
    settings: Annotated[list[str] | None, typer.Option("--set", help=_SET)] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all draws.")] = 0,
    offline: Offline = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Let a recommender act in a world, and compare its discounted return with the best, myopic, popular and random policies.

    Example: reverie simulate runs/sasrec-session --world session --policy softmax --temperature 0.5
    """
    from reverie.models import load_model
    from reverie.rl.policies import policy_of
    from reverie.rl.worlds.open import open_world
    from reverie.rl.worlds.simulate import simulate as compare
    from reverie.rl.worlds.simulate import simulation_table

    names = [folder.name or str(folder) for folder in (run, *(against or ()))]
    if len(set(names)) < len(names):
        raise ConfigError("two runs have the same folder name; name one folder otherwise, so that their rows can be told apart")
    models = [load_model(folder) for folder in (run, *(against or ()))]
    opened = open_world(world, settings or (), offline)
    options = {"temperature": temperature, "epsilon": epsilon, "k": k}
    policies = {
        name: policy_of(model, policy, opened.vocabulary, repeats=opened.repeats, **options)
        for name, model in zip(names, models, strict=True)
    }
    table = simulation_table(compare(policies, opened, sessions, seed), policies, opened)
    if json:
        print_json(table.to_json())
    else:
        table.print(console(quiet))
