from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
import torch
from pydantic import Field, model_validator

from reverie.errors import ConfigError, DataError, ReverieError, nearest, unknown
from reverie.files import append_csv, atomic_path, cache_folder, read_json, sha256, write_json, write_text
from reverie.options import Options, checked
from reverie.registry import Entry, Registry
from reverie.seeds import numpy_generator, seed_torch, torch_generator

if TYPE_CHECKING:
    from pathlib import Path


class Small(Options):
    """Options of a test."""

    size: int = Field(default=3, ge=1)
    rate: float = 0.1
    kind: Literal["a", "b"] = "a"
    open: bool = True
    name: str = "x"
    sizes: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Small:
        if self.size == 13:
            raise ValueError("size=13 brings bad luck")
        return self


class Large(Options):
    """Options with options inside."""

    small: Small = Small()
    must: int


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sise": 3}, "unknown option 'sise' (did you mean 'size'?); known: kind, name, open, rate, size, sizes"),
        ({"size": "three"}, "option 'size' must be a whole number, not 'three'"),
        ({"size": 2.5}, "option 'size' must be a whole number, not 2.5"),
        ({"size": 0}, "option 'size' must be greater than or equal to 1, not 0"),
        ({"rate": "fast"}, "option 'rate' must be a number, not 'fast'"),
        ({"open": "perhaps"}, "option 'open' must be true or false, not 'perhaps'"),
        ({"name": 3}, "option 'name' must be text, not 3"),
        ({"kind": "c"}, "option 'kind' must be 'a' or 'b', not 'c'"),
        ({"sizes": 4}, "option 'sizes' must be a list, not 4"),
        ({"sizes": ["x"]}, "option 'sizes.0' must be a whole number, not 'x'"),
        ({"size": 13}, "size=13 brings bad luck"),
    ],
)
def test_wrong_options_are_one_plain_sentence(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(Small, values, "here")
    assert str(caught.value) == f"here: {message}"


def test_options_inside_options_are_named_by_their_path() -> None:
    with pytest.raises(ConfigError, match=r"unknown option 'small.nam' \(did you mean 'name'\?\)"):
        checked(Large, {"must": 1, "small": {"nam": "x"}}, "here")
    with pytest.raises(ConfigError, match="option 'must' is missing; add it"):
        checked(Large, {}, "here")
    with pytest.raises(ConfigError, match=r"unknown option 'mus' \(did you mean 'must'\?\)"):
        checked(Large, {"mus": 1}, "here")
    assert checked(Large, {"must": 1, "small": {"size": 5}}, "here").small.size == 5


def test_names_that_are_nearly_right() -> None:
    assert nearest("sasrek", ["sasrec", "markov"]) == " (did you mean 'sasrec'?)"
    assert nearest("xyz", ["sasrec"]) == ""
    assert str(unknown("model", "sasrek", ["sasrec", "markov"])) == (
        "unknown model 'sasrek' (did you mean 'sasrec'?); known: markov, sasrec"
    )
    assert issubclass(ConfigError, ReverieError)


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_text(path, "one")

    def fail(error: Exception) -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(KeyError):
        fail(KeyError("stop"))
    with pytest.raises(ReverieError, match=r"cannot write .*a\.txt: No space left on device; free some space"):
        fail(OSError(28, "No space left on device"))
    with pytest.raises(ReverieError, match=r"cannot write .*a\.txt: No space left on device; free some space"):
        fail(RuntimeError("writing failed: no room (os error 28)"))
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


def test_writing_below_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(ReverieError, match="cannot write"):
        write_text(tmp_path / "a" / "b", "x")


def test_json_and_its_mistakes(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"é": [1, None]})
    assert read_json(tmp_path / "a.json") == {"é": [1, None]}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "b.json", float("nan"))
    assert not (tmp_path / "b.json").exists()
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(DataError, match=r"c\.json is not valid JSON"):
        read_json(tmp_path / "c.json")
    with pytest.raises(DataError, match=r"d\.json does not exist"):
        read_json(tmp_path / "d.json")


def test_tables_grow_and_keep_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    append_csv(path, ["a", "b"], [{"a": 1.23456789, "b": None}])
    append_csv(path, ["a", "b"], [{"a": "x,y"}])
    assert path.read_text() == 'a,b\n1.23457,\n"x,y",\n'
    with pytest.raises(DataError, match="has other columns"):
        append_csv(path, ["a", "c"], [])
    assert sha256(path) == sha256(path)


def test_two_processes_append_to_one_table(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    code = (
        "import sys; from reverie.files import append_csv\n"
        "for n in range(40): append_csv(sys.argv[1], ['who', 'n'], [{'who': sys.argv[2], 'n': n}])"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(path), who]) for who in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    rows = path.read_text().splitlines()
    assert rows[0] == "who,n"
    assert sorted(rows[1:]) == sorted(f"{who},{n}" for who in "ab" for n in range(40))
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("REVERIE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "reverie"


def test_a_registry_is_lazy_and_names_the_nearest() -> None:
    broken = Entry(build="nowhere.at_all:build", config="json:JSONDecoder", summary="never imported")
    shelf = Registry("thing", {"first": broken}, group="reverie.no-such-group")
    assert list(shelf) == ["first"]
    assert (len(shelf), "first" in shelf, "second" in shelf) == (1, True, False)
    assert shelf.config("first") is json.JSONDecoder
    with pytest.raises(ModuleNotFoundError):
        shelf.build("first")
    with pytest.raises(ConfigError, match=r"unknown thing 'frist' \(did you mean 'first'\?\)"):
        shelf["frist"]


def test_entry_points_are_listed_after_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [metadata.EntryPoint(name, "reverie.llm.collm.entry:ENTRY", "things") for name in ("collm", "another")]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == "things" else [])
    own = Entry(build="nowhere.at_all:build", config="json:JSONDecoder")
    assert list(Registry("thing", {"din": own, "daydream": own}, group="things")) == ["din", "daydream", "collm", "another"]
    with pytest.raises(ConfigError, match="two packages register the thing 'collm'"):
        list(Registry("thing", {"collm": own}, group="things"))


def test_random_streams_depend_on_their_name_only() -> None:
    first = numpy_generator(0, "order", 1).random(3)
    torch.manual_seed(5)
    np.testing.assert_array_equal(numpy_generator(0, "order", 1).random(3), first)
    streams = [numpy_generator(*name).random() for name in ((0, "order", 1), (0, "order", 2), (1, "order", 1), (0, "step", 1))]  # type: ignore[arg-type]  # seed and words
    assert len(set(streams)) == 4
    seed_torch(3, "step", 1)
    drawn = torch.rand(2)
    seed_torch(3, "step", 1)
    assert torch.equal(torch.rand(2), drawn)
    assert torch.equal(torch.rand(2, generator=torch_generator(3, "x")), torch.rand(2, generator=torch_generator(3, "x")))
