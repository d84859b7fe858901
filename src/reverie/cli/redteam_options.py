"""Options that several commands of `reverie redteam` share."""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[str | None, typer.Option("--model", help="Of an address: which model should answer.")]
FailAbove = Annotated[
    float | None,
    typer.Option("--fail-above", min=0, max=1, help="Exit code 1 only where a technique reaches a larger share of the goals."),
]
Detail = Annotated[str, typer.Option("--detail", help="How much reports tell: limited (no texts), moderate or detailed.")]
GOT_THROUGH = 1
"""Exit code where something got through."""
