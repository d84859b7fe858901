"""`reverie ope`: what a policy would have earned, from the log of another policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reverie.cli.options import Json, Offline, Quiet, console, print_json
from reverie.errors import ConfigError

_HOW = "How the scores of a run become probabilities: softmax, epsilon-top-k, plackett-luce or argmax."


def _column(name: str, what: str) -> Any:
    return typer.Option(f"--{name}", help=f"Column of the log: {what}.")


def ope(
    log: Annotated[
        str, typer.Argument(help="A table with item and reward, a row for each item shown; a dataset; or an .npz file.")
    ],
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A run folder, or a table of action probabilities: item, probability.")
    ] = None,
    estimators: Annotated[
        str | None,
        typer.Option(
            "--estimators",
            help="ips, clipped-ips, snips, dm, dr, switch, pdis, wpdis, sequential-dr, fqe, slate; those that suit.",
        ),
    ] = None,
    gamma: Annotated[float, typer.Option("--gamma", help="Discount of returns per session, from 0 to below 1.")] = 0.9,
    act: Annotated[str, typer.Option("--act", help=_HOW)] = "softmax",
    temperature: Annotated[float, typer.Option("--temperature", help="τ of softmax and plackett-luce, in units of scores.")] = 1.0,
    epsilon: Annotated[float, typer.Option("--epsilon", help="Share of epsilon-top-k that goes to all items.")] = 0.1,
    top: Annotated[int, typer.Option("--top", min=1, help="Items that epsilon-top-k draws from.")] = 10,
    seen: Annotated[str, typer.Option("--seen", help="keep or remove items of the history, for a run.")] = "keep",
    rewards: Annotated[
        str | None, typer.Option("--rewards", help="Of a log of kinds of events, instead of a column: view=0.2,cart=0.5,buy=1.")
    ] = None,
    propensities: Annotated[str, typer.Option("--propensities", help="logged, or estimated from the log (marked).")] = "logged",
    gap_minutes: Annotated[
        float | None, typer.Option("--gap-minutes", help="Begin a new session where more minutes pass, as in training.")
    ] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Only sessions of the run's own log that its split kept for the test.")
    ] = False,
    given: Annotated[int, typer.Option("--given", min=0, help="First events of a session that nobody chose.")] = 0,
    horizon: Annotated[int | None, typer.Option("--horizon", min=1, help="Cut sessions after this many rounds.")] = None,
    clip: Annotated[float | None, typer.Option("--clip", help="Limit of weights; the square root of the rounds.")] = None,
    interval: Annotated[str, typer.Option("--interval", help="bootstrap-t or percentile.")] = "bootstrap-t",
    resamples: Annotated[int, typer.Option("--resamples", min=100, max=100_000, help="Resamples of an interval.")] = 1000,
    least_ess: Annotated[float, typer.Option("--least-ess", min=1, help="No number below this effective sample size.")] = 50,
    seed: Annotated[int, typer.Option("--seed", help="Of folds and resamples.")] = 0,
    item: Annotated[str | None, _column("item", "what was shown")] = None,
    reward: Annotated[str | None, _column("reward", "what it earned")] = None,
    propensity: Annotated[str | None, _column("propensity", "how likely it was to be shown")] = None,
    session: Annotated[str | None, _column("session", "which rounds belong together")] = None,
    step: Annotated[str | None, _column("step", "their order, a number or a time")] = None,
    context: Annotated[str | None, _column("context", "what rounds are told apart by")] = None,
    position: Annotated[str | None, _column("position", "place in a list")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write an HTML page with a drawing here.")] = None,
    export: Annotated[Path | None, typer.Option("--export", help="Write the log as arrays to this .npz file.")] = None,
    layout: Annotated[str, typer.Option("--layout", help="Of --export: obp or d3rlpy.")] = "obp",
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Estimate from a log what another policy would have earned, with intervals, or say why the log cannot tell.

    Example: reverie ope clicks.csv --policy runs/sasrec --act softmax --temperature 0.5
    """
    from reverie.rl.ope.asked import held_out_sessions, of_sessions, policy_at, shaped
    from reverie.rl.ope.estimate import evaluate_policy
    from reverie.rl.ope.exchange import write_exchange
    from reverie.rl.ope.page import estimates_table, require_html, write_ope_page
    from reverie.rl.ope.reading import read_log, rewards_of_kinds
    from reverie.rl.ope.settings import Settings

    if policy is None and export is None:
        raise ConfigError("name what is to be judged with --policy, a run folder or a table of action probabilities")
    if held_out and policy is None:
        raise ConfigError("--held-out takes sessions that a run was not trained on; name the run with --policy")
    if out is not None:
        require_html(out)
    if propensities not in ("logged", "estimated") or seen not in ("keep", "remove"):
        raise ConfigError("--propensities takes logged or estimated, and --seen takes keep or remove")
    settings = Settings(gamma, clip, interval, resamples, least_ess=least_ess, seed=seed)  # type: ignore[arg-type]  # checked there
    columns = {"item": item, "reward": reward, "propensity": propensity, "session": session, "step": step}
    of_kinds = None if rewards is None else rewards_of_kinds(rewards)
    rounds = read_log(log, columns | {"context": context, "position": position}, of_kinds, offline, gap_minutes)
    ids = held_out_sessions(rounds, policy, log, offline, gap_minutes) if held_out and policy is not None else None
    rounds = shaped(rounds, given, horizon, propensities == "estimated")
    rounds = rounds if ids is None else of_sessions(rounds, ids)
    screen = console(quiet)
    if export is not None:
        for path in write_exchange(rounds, export, layout):
            screen.print(f"wrote {path}", markup=False)
    if policy is None:
        return
    options = {"kind": act, "temperature": temperature, "epsilon": epsilon, "k": top}
    acting = policy_at(policy, rounds, options, seen == "keep", log, held_out)
    chosen = None if estimators is None else [name.strip() for name in estimators.split(",") if name.strip()]
    found = evaluate_policy(acting, chosen, settings)
    if out is not None:
        write_ope_page(out, acting, found, settings)
    table = estimates_table(acting, found, settings)
    if json:
        facts = {"log": log, "policy": acting.said, "rounds": len(acting.log), "sessions": acting.log.n_sessions, "gamma": gamma}
        more = {"missing": acting.missing, "propensities": propensities, "notes": list(table.notes)}
        print_json(facts | more | {"estimates": [one.to_json() for one in found]})
        return
    table.print(screen)
    if out is not None:
        screen.print(f"wrote {out}", markup=False)
