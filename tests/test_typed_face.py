"""What type checkers see of `import reverie as rv`: mistakes in calls are found, and correct scripts are not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import reverie as rv
from reverie.lazy import lazy
from reverie.training.config import TrainingConfig, TrainingOptions

SOURCE = Path(rv.__file__).parent
SETTINGS = """[mypy]
strict = true
[mypy-{others}]
follow_imports = skip
follow_imports_for_stubs = true
ignore_missing_imports = true
"""
"""Other libraries are left out, which takes seconds instead of a minute; so are rooms that these scripts do not enter."""
OTHERS = "torch numpy polars scipy pydantic pydantic_core annotated_types rich requests sklearn safetensors rapidfuzz pyarrow yaml"
ROOMS = "robustness study nn diffusion documents files plain_yaml"
RIGHT = """import reverie as rv
from reverie.data.batch import SequenceBatch
from reverie.objectives import FullSoftmax
from torch import Tensor

dataset = rv.load_dataset("ml-100k")
split = rv.leave_one_out(dataset, last=1)
model = rv.create_model("sasrec", split, dim=64)
fitted = rv.fit(model, split, epochs=3, learning_rate=1e-3, on="train", show=False)
value: float = rv.evaluate(model, split.test).value("ndcg@10")
board: rv.Leaderboard = rv.compare(split, models=["ease", model], seeds=3, epochs=2)
lists = rv.recommend(model, users=["u3"], data=split, k=5, allow={"u3": [1, 2]}, unknown="skip")
near, vectors = rv.similar(model, 50, k=3), rv.user_vectors(model, [[1, 2], [3]])


class Mine:
    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        return Tensor()


rv.fit(Mine(), split)
rv.compare(split, models={"mine": Mine(), "ease": "ease"})
print(rv.evaluate(Mine(), split.test), rv.recommend(Mine(), [1, 2]), rv.similar(rv.load_run("runs/one").model(), 3))
chosen: str = FullSoftmax().name
"""
WRONG = [
    ("rv.recomend", 'Module has no attribute "recomend"'),
    ("rv.leave_one_out(dataset, lst=5)", 'Unexpected keyword argument "lst"'),
    ("rv.fit(model, split, epochs='many')", 'Argument "epochs" to "fit" has incompatible type "str"'),
    ("split.tset", '"Split" has no attribute "tset"'),
    ("rv.fit('sasrec', split)", 'Argument 1 to "fit" has incompatible type "str"'),
    ("rv.evaluate(model, split)", 'Argument 2 to "evaluate" has incompatible type "Split"'),
    ("rv.compare(split, ['ease'], epoch=3)", 'Unexpected keyword argument "epoch"'),
    ("FullSoftmx()", 'has no attribute "FullSoftmx"'),
]
PACKAGES = [".".join(path.relative_to(SOURCE.parent).parent.parts) for path in sorted(SOURCE.rglob("__init__.pyi"))]


def test_mypy_finds_mistakes_and_nothing_else(tmp_path: Path) -> None:
    others = [*OTHERS.split(), *(f"reverie.{room}" for room in ROOMS.split())]
    (tmp_path / "mypy.ini").write_text(SETTINGS.format(others=",".join(f"{one}.*" for one in others)))
    head = RIGHT.replace("import FullSoftmax\n", "import FullSoftmax, FullSoftmx  # line 3\n")
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(head + "\n".join(line for line, _ in WRONG) + "\n")
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", "cache", "right.py", "wrong.py"]
    environment = {"MYPYPATH": str(SOURCE.parent), "PATH": ""}
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False).stdout
    errors = re.findall(r"^(\w+)\.py:(\d+): error: (.*)$", found, flags=re.MULTILINE)
    first = len(head.splitlines()) + 1
    said = {(name, int(line)): text for name, line, text in errors}
    wanted = {("wrong", first + number): text for number, (_, text) in enumerate(WRONG[:-1])} | {("wrong", 3): WRONG[-1][1]}
    assert said.keys() == wanted.keys(), found
    assert not [(place, said[place]) for place, text in wanted.items() if text not in said[place]]


def test_options_of_fit_are_those_of_its_configuration() -> None:
    fields = {name: hint for name, hint in get_type_hints(TrainingConfig).items() if name in TrainingConfig.model_fields}
    assert get_type_hints(TrainingOptions) == fields


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_of_a_stub_is_there(package: str) -> None:
    file = SOURCE.parent / Path(*package.split(".")) / "__init__.py"
    where, names, find = lazy(package, str(file))
    assert names == sorted(where)
    for name in names:
        assert find(name) is not None
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        find("nothing")
