"""The example of CONTRIBUTING.md: another package registers a model, and the conformance kit is run over it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import reverie as rv
from reverie.models.shelf import MODELS
from reverie.testing import CHECKS, check_recommender, tiny_split

if TYPE_CHECKING:
    from reverie.testing.checks import Case

PACKAGE = Path(__file__).parent.parent / "example_package"


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lay the package and its metadata where Python looks, as an installation does."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project["entry-points"]["reverie.models"]
    site = tmp_path / "site"
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text("[reverie.models]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()))
    monkeypatch.syspath_prepend(str(PACKAGE))
    monkeypatch.syspath_prepend(str(site))
    vars(MODELS).pop("_entries", None)
    yield
    vars(MODELS).pop("_entries", None)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["tempered", "averaged"])
def test_conformance(name: str, check: Callable[[Case], None], tmp_path: Path) -> None:
    check_recommender(name, check, folder=tmp_path / "scratch")


def test_it_is_a_model_like_ours() -> None:
    assert "tempered" in rv.list_models()
    split = tiny_split()
    model = rv.create_model("tempered", split, power=2.0)
    rv.fit(model, split, show=False)
    assert rv.evaluate(model, split.test).value("recall@20") == 1.0
    with pytest.raises(rv.ReverieError, match=r"did you mean 'power'"):
        rv.create_model("tempered", split, pover=2.0)
