"""Every command and every Python block of the README and of the documentation is run here, on a small log."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
import yaml

import reverie as rv
from reverie.cli.main import run
from reverie.nn.heads import DotHead
from reverie.testing import tiny_dataset

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

HOME = "https://github.com/reverie-rec/reverie"

SHORTER = {
    "reverie demo": "reverie demo --smoke",
    "reverie compare my-clicks.csv --catalog my-items.csv": "--models popularity,markov,sasrec --set training.epochs=1",
    "reverie train sasrec-ml-100k --set training.epochs=5": "--set training.epochs=1",
    "reverie train mine.yaml --out runs/mine": "--set training.epochs=1",
    "reverie explain my-clicks.csv --catalog my-items.csv --user 100": "--set backbone.name=tiny --set training.steps=2 "
    "--set training.warmup_steps=0 --set windows.train=20 --set recommender.training.epochs=1",
    "reverie train mcrl-session --set training.epochs=2": "--set dataset.name=session-world-small --set training.epochs=1",
    "reverie simulate runs/mcrl-session --world session": "--sessions 20",
}
"""What is added to (or put in the place of) a command so that it takes seconds; everything else is run as it is printed."""

ELSEWHERE = {
    "architecture.md": "tests/study/test_toy_room.py",
    "deploy.md": "tests/cli/test_judge_export.py",
    "item-encoders.md": "tests/models/item_encoders/test_extract.py",
    "judge.md": "tests/cli/test_judge_export.py",
    "from-recad.md": "tests/data/test_sources_attacked.py",
}
"""Pages whose Python examples need files of other systems: only compiled here, what they show is run by the test named."""


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def _commands(text: str) -> list[str]:
    return [
        line.strip() for block in re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL) for line in block.splitlines() if line
    ]


def _load(path: Path) -> Any:
    """Import a file that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


README = _commands((ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.fixture
def small(tmp_path: Path, small_movielens: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REVERIE_DATA", str(small_movielens))
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    dataset = tiny_dataset()
    for name in ("my-clicks.csv", "clicks.csv"):
        events = dataset.events
        renamed = {"user": "member", "item": "film", "timestamp": "seen_at"} if name == "clicks.csv" else {}
        events.rename(renamed).write_csv(tmp_path / name)
    for name in ("my-items.csv", "items.csv"):
        dataset.catalog.write_csv(tmp_path / name)
    vocabulary = rv.load_dataset("ml-100k").vocabulary
    lists = pl.DataFrame({"user": vocabulary.users}).join(pl.DataFrame({"item": vocabulary.items[:12]}), how="cross")
    lists.with_columns(score=pl.int_range(pl.len())).write_parquet(tmp_path / "lists.parquet")
    return tmp_path


def _run(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = SHORTER.get(command, "")
    words = shlex.split(extra if extra.startswith("reverie") else f"{command} {extra}")
    assert words[0] == "reverie"
    monkeypatch.setattr(sys, "argv", words)
    try:
        run()
    except SystemExit as stop:
        assert not stop.code, command  # noqa: PT017  # a code of 0 is as good as none


def test_the_commands_of_the_readme_run_one_after_the_other(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = [command for command in README if command.startswith("reverie ")]
    assert len(commands) == 16
    for command in commands:
        _run(command, monkeypatch)
    assert (small / "runs/compare-my-clicks/report.html").exists()
    assert (small / "runs/mine/result.json").exists()


def test_the_commands_of_the_table_run(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = re.findall(r"\| `(reverie [^`]+)` \|$", (ROOT / "docs/guide/cli.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    order = sorted(table, key=lambda command: ("evaluate" in command or "recommend" in command, "validate" in command))
    assert len(order) == 15
    for command in order:
        if command.split()[1] == "compare":
            continue  # run with the commands of the README
        _run(command, monkeypatch)


def test_the_commands_of_make_are_those_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin").replace("$(VENV)", ".venv")
    makefile = makefile.replace("$(PYTHON)", "python3").replace("--quiet ", "").replace("$$(", "$(")
    makefile = re.sub(r"\$\(if \$\(TORCH_INDEX\),[^ ]* \$\(TORCH_INDEX\)\) ", "", makefile)
    for command in README:
        if command.startswith("make "):
            assert f"\n{command.split()[1]}: " in makefile
        elif not command.startswith("reverie "):
            assert f"\t{command}\n" in makefile, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(page: Path, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in _blocks(page, "python"):
        shorter = re.sub(r"epochs=\d+", "epochs=1", block)
        if page.name in ELSEWHERE:
            compile(shorter, str(page), "exec")
            continue
        exec(compile(shorter, str(page), "exec"), {})  # noqa: S102  # our own page
    if page.name == "README.md":
        assert "ndcg@10 0." in capsys.readouterr().out


def test_the_architecture_page_names_the_floors_as_the_test_of_imports_does() -> None:
    floors = _load(ROOT / "tests" / "test_imports.py")
    there = {floors.room_of(module) for module in floors.FILES} - {"__init__", "__main__"}
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## What everything shares")[0]
    named = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in page.splitlines() if line.startswith("| `")]
    assert [set(names) for names in named] == [floor & there for floor in floors.FLOORS if floor & there]


REFERENCE = [
    path
    for page in sorted((ROOT / "docs" / "api").glob("*.md"))
    for path in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
]
"""What the API reference shows, by its dotted path."""
FACES = ("", ".evaluation", ".objectives", ".objectives.contrastive", ".objectives.dro", ".diffusion", ".report")


@pytest.mark.parametrize("path", REFERENCE)
def test_the_reference_names_what_can_be_imported(path: str) -> None:
    module, _, name = _load(ROOT / "mkdocs_hooks.py").defined_at(path).rpartition(".")
    assert getattr(importlib.import_module(module), name) is getattr(importlib.import_module(path.rpartition(".")[0]), name)


@pytest.mark.parametrize("face", FACES)
def test_the_reference_names_everything(face: str) -> None:
    names = set(importlib.import_module(f"reverie{face}").__all__) - {"__version__"}
    assert names <= {path.rpartition(".")[2] for path in REFERENCE}


def test_pages_name_what_there_is() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    works = re.search(r"Models that can be trained today: (.*?)\.", text, flags=re.DOTALL)
    assert works is not None
    assert sorted(re.findall(r"`([\w-]+)`", works[1])) == rv.list_models()
    data = (ROOT / "docs/guide/data.md").read_text(encoding="utf-8").split("## Named datasets")[1]
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", data, flags=re.MULTILINE)) == rv.list_datasets()
    rows = [line.split("|")[1:-1] for line in data.splitlines() if line.startswith("| `")]
    for row in rows:
        from reverie.data.sources.load import find_entry

        entry = find_entry(row[0].strip(" `"))
        assert [int(cell.replace(",", "")) for cell in row[2:5]] == list(entry.counts)
        assert row[5].strip(" `") == entry.protocol
    papers = (ROOT / "PAPERS.md").read_text(encoding="utf-8")
    from reverie.models.shelf import MODELS

    assert {entry.paper for entry in MODELS.values() if entry.paper} <= set(
        re.findall(r"^\| `(\w+)` \|", papers, flags=re.MULTILINE)
    )


@pytest.mark.parametrize(
    "page", [*PAGES, *(ROOT / f"{n}.md" for n in ("CONTRIBUTING", "PAPERS", "CHANGELOG", "SECURITY"))], ids=str
)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not link.startswith("https://") and not link.endswith(".png"):
            assert (page.parent / link).exists(), link


def test_the_recipe_of_the_documentation_is_valid() -> None:
    from reverie.content.recipe import CONTENT
    from reverie.contrast.recipe import CONTRAST
    from reverie.training.recipe import RECIPES

    for page in PAGES:
        for block in _blocks(page, "yaml"):
            values = yaml.safe_load(block)
            shelf = next((shelf for key, shelf in (("task", CONTRAST), ("recommenders", CONTENT)) if key in values), RECIPES)
            shelf.parse(values, page.name)


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_example_package_is_the_one_that_is_tested() -> None:
    shown = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)
    assert len(shown) == 3
    for path, text in shown:
        assert text == (ROOT / path).read_text(encoding="utf-8")


def _example(name: str) -> dict[str, Any]:
    found = re.search(rf"<!-- test: {name} -->\n```python\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)
    assert found is not None
    assert len([line for line in found[1].splitlines() if line.strip()]) <= 30
    names: dict[str, Any] = {}
    exec(compile(found[1], "CONTRIBUTING.md", "exec"), names)  # noqa: S102  # our own page
    return names


def test_the_example_of_a_dataset_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reverie.data.sources.load import load_entry

    entry = _example("dataset")["ENTRY"]
    (tmp_path / "clicks").mkdir()
    tiny = tiny_dataset()
    tiny.events.write_csv(tmp_path / "clicks" / "clicks.csv")
    tiny.catalog.write_csv(tmp_path / "clicks" / "items.csv")
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    dataset = load_entry(entry, offline=True)
    assert (dataset.vocabulary.n_users, dataset.vocabulary.n_items, dataset.n_events) == entry.counts
    assert dataset.sha256 == tiny.sha256


def test_the_example_of_an_objective_is_right() -> None:
    from reverie.objectives import Objective

    objective = _example("objective")["Margin"](n_items=6, n=4)
    assert isinstance(objective, Objective)
    table, states, targets = torch.randn(6, 4), torch.randn(3, 4), torch.tensor([1, 2, 3])
    torch.manual_seed(1)
    drawn = objective.sampler.draw(targets).items
    torch.manual_seed(1)
    loss = objective.loss(states, targets, DotHead(table))
    for m, target in enumerate(targets.tolist()):
        scores = (table @ states[m]).tolist()
        terms = [max(0.0, 1 - scores[target - 1] + scores[n - 1]) for n in drawn[m].tolist() if n != target]
        assert loss[m].item() == pytest.approx(sum(terms) / 4, rel=1e-5)


def test_links_of_the_readme_work_on_a_package_page_and_lead_to_files_that_exist() -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [one for one in targets if not one.startswith("https://")] == []
    ours = [re.sub(rf"^{HOME}/(blob|raw)/main/", "", one).partition("#")[0] for one in targets if one.startswith(HOME)]
    assert len(ours) > 20
    assert [one for one in ours if not (ROOT / one).is_file()] == []
    assert f'Documentation = "{HOME}/tree/main/docs"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
