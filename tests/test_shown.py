"""What data, models and evaluations show of themselves: short in a shell, escaped in a notebook, a plot of intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from matplotlib.figure import Figure

import reverie as rv
from reverie.evaluation.plot import plot_bars
from reverie.models import MODELS
from reverie.shown import html_table
from reverie.testing import tiny_dataset, tiny_split

HOSTILE = "<script>alert(1)</script>\x1b[31m\n<b>"
DATASET = replace(tiny_dataset(), name=HOSTILE, licence="x" * 5000)
SPLIT = rv.leave_one_out(DATASET)


def evaluated() -> rv.Evaluation:
    model = rv.create_model("popularity", SPLIT)
    rv.fit(model, SPLIT, show=False)
    return replace(rv.evaluate(model, SPLIT.test), model=HOSTILE)


SHOWN: dict[str, Any] = {
    "dataset": DATASET, "split": SPLIT, "sequences": SPLIT.train, "queries": SPLIT.test, "vocabulary": SPLIT.vocabulary,
    "evaluation": evaluated(),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_a_line_in_a_shell_and_an_escaped_table_in_a_notebook(name: str) -> None:
    line, table = repr(SHOWN[name]), SHOWN[name]._repr_html_()
    assert len(line) < 400
    assert line.startswith(type(SHOWN[name]).__name__ + "(")
    assert line.isprintable()
    assert "<script" not in table
    assert "<b>" not in table.replace('<caption style="text-align:left"><b>', "")
    assert "\x1b" not in table
    assert len(table) < 5000


def test_sizes_are_said() -> None:
    assert "users=48, items=20, events=436" in repr(DATASET)
    assert "train=340 events, valid=48 queries, test=48 queries" in repr(SPLIT)


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"collm", "blend", "rerank"}))
def test_every_model_is_one_line_and_its_layers_are_folded(name: str) -> None:
    model: Any = rv.create_model(name, tiny_split(content="needs-content" in MODELS[name].tags))
    line, table = repr(model), model._repr_html_()
    assert line.startswith(f"{name}(items=20, users=48, options=default, ")
    assert "\n" not in line
    assert ("<details>" in table) == ("learns" in MODELS[name].tags)


def test_options_that_were_chosen_are_said() -> None:
    assert "options=dim=8, blocks=3" in repr(rv.create_model("sasrec", SPLIT, dim=8, blocks=3))


def test_a_plot_has_a_point_and_an_interval_for_each_metric_of_accuracy() -> None:
    evaluation = SHOWN["evaluation"]
    axes = evaluation.plot(axes=Figure().add_subplot())
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [name for name in evaluation.metrics()["metric"] if name.partition("@")[0] in ("recall", "ndcg", "mrr")]
    drawn = [line.get_xdata().tolist() if len(line.get_xdata()) == 2 else None for line in axes.lines]
    rows = evaluation.metrics(names).select("low", "high").rows()
    assert drawn[::2] == [list(row) for row in rows]
    assert axes.yaxis_inverted()  # the first one is at the top
    assert [label.get_text() for label in evaluation.plot(["coverage@10"], Figure().add_subplot()).get_yticklabels()] == [
        "coverage@10"
    ]


def test_a_board_is_a_line_a_table_of_text_an_escaped_table_and_a_plot_in_its_order() -> None:
    board = rv.compare(SPLIT, {HOSTILE: rv.create_model("ease", SPLIT)}, show=False)
    assert repr(board).startswith(
        "Leaderboard(dataset=<script>alert(1)</script>[31m <b>, protocol=leave_one_out, models=4, best=markov"
    )
    text, table = str(board), board._repr_html_()
    assert max(map(len, text.splitlines())) <= 102
    assert "behind the best" in text.replace("\n", " ")
    assert "<script" not in table
    assert table.count("<tr>") == 1 + len(board.rows)
    drawn = board.plot("mrr@10", Figure().add_subplot())
    assert len(drawn.get_yticklabels()) == len(board.rows)
    assert drawn.get_yticklabels()[0].get_text() == "markov"
    with pytest.raises(rv.ReverieError, match="unknown metric 'mrr10'"):
        board.plot("mrr10")


def test_names_in_a_plot_are_no_formulas() -> None:
    axes = plot_bars([("a$b$", 0.1, None, None)], "value", "cost $5 and $6", Figure().add_subplot())
    assert axes.get_yticklabels()[0].get_text() == r"a\$b\$"
    axes.figure.canvas.draw()


def test_numbers_stand_right_and_keep_their_lines() -> None:
    assert '<td style="text-align:right;white-space:nowrap">0.5<br>0.4</td>' in html_table(
        "t", ("name", "value"), [("a", "0.5\n0.4")]
    )


def test_what_a_fit_an_attack_and_a_row_are_is_one_line() -> None:
    split = rv.leave_one_out(tiny_dataset(items=60))
    model = rv.create_model("sasrec", split, dim=8)
    fitted = rv.fit(model, split, epochs=2, show=False)
    board = rv.compare(split, ["popularity"], baselines=False, show=False)
    lines = [repr(one) for one in (fitted, rv.attack(model, split, users=2, candidates=12), board.best, board.best.runs[0])]
    for line, begins in zip(
        lines, ("Fitted(seconds=", "TrainedAttack(histories=2, HR@10 clean=", "Row(label=", "Trial(name="), strict=True
    ):
        assert line.startswith(begins)
        assert "\n" not in line
        assert len(line) < 200
    assert "best_epoch=" in lines[0]
    assert board.best.model() is board.best.runs[0].model()
    assert board.best.model_name == "popularity"


def test_an_evaluation_shows_what_was_asked_for() -> None:
    model = rv.create_model("popularity", SPLIT)
    rv.fit(model, SPLIT, show=False)
    found = rv.evaluate(model, SPLIT.test, metrics=["hit@5"])
    assert repr(found).endswith(f"hit@5={found.value('hit@5'):.4f})")
    assert "recall@10" not in repr(found)
