"""Run a notebook in plain Python, and write it with what its cells show: python benchmarks/notebook.py FILE."""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook with the outputs of its code, which runs in an empty folder; what a cell raises ends it."""
    import matplotlib as mpl

    mpl.use("agg")
    known: dict[str, Any] = {"__name__": "__main__"}
    cells, before = [], Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for cell in notebook["cells"]:
                more = {}
                if cell["cell_type"] == "code":
                    count = sum(one["cell_type"] == "code" for one in cells) + 1
                    more = {"execution_count": count, "outputs": _outputs(cell["source"], known, count)}
                cells.append({**cell, **more})
        finally:
            os.chdir(before)
    return {**notebook, "cells": cells}


def _outputs(source: str, known: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Run one cell; return what it printed, what its last expression is, and the figures that it made."""
    tree, value, printed = ast.parse(source), None, io.StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), known)  # noqa: S102  # our own notebook
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), known)  # noqa: S307  # our own notebook
    found: list[dict[str, Any]] = []
    if printed.getvalue():
        found.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue()})
    if value is not None and not source.rstrip().endswith(";"):
        html = getattr(value, "_repr_html_", lambda: None)()
        data = {"text/plain": repr(value)} | ({} if html is None else {"text/html": html})
        found.append({"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": data})
    return found + _figures()


def _figures() -> list[dict[str, Any]]:
    import matplotlib.pyplot as plt

    found = []
    for number in plt.get_fignums():
        out = io.BytesIO()
        plt.figure(number).savefig(out, format="png", dpi=110, metadata={"Software": None})
        data = {"image/png": base64.b64encode(out.getvalue()).decode(), "text/plain": "a plot"}
        found.append({"output_type": "display_data", "metadata": {}, "data": data})
    plt.close("all")
    return found


if __name__ == "__main__":
    path = Path(sys.argv[1])
    shown = run(json.loads(path.read_text(encoding="utf-8")))
    path.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
