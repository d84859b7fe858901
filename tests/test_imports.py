"""The house: imports run downwards only, nothing imports in a circle, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import reverie

SOURCE = Path(reverie.__file__).parent
FLOORS = [
    {"cli", "__main__"},
    {"testing"},
    {"serving", "studio"},
    {"robustness", "redteam", "imagery", "content"},
    {"rl", "llm", "video", "contrast"},
    {"report"},
    {"training"},
    {"study"},
    {"evaluation"},
    {"models"},
    {"objectives", "diffusion", "nn"},
    {"protocols", "calls"},
    {"data"},
    {
        "lazy",
        "registry",
        "options",
        "settings",
        "plain_yaml",
        "documents",
        "files",
        "pieces",
        "scratch",
        "packed",
        "memory",
        "seeds",
        "shown",
        "errors",
        "printing",
        "processes",
        "cores",
        "__init__",
    },
]
HEIGHT = {room: len(FLOORS) - number for number, floor in enumerate(FLOORS) for room in floor}
"""Height of each folder or file right under the package."""


def name_of(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def room_of(module: str) -> str:
    """Return the folder or file right under the package that a module belongs to."""
    return module.split(".")[1] if "." in module else "__init__"


def find_imports(source: str, modules: Set[str]) -> set[str]:
    """Return the modules that a source text imports, inside functions and for type checkers only, too."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= {name if name in modules else str(node.module) for name in submodules}
    return imported & modules


def find_references(source: str, modules: Set[str]) -> set[str]:
    """Return the modules that a source text names in strings ``module:object``; of an f-string, the package it begins with."""
    named: set[str] = set()
    for text in _strings(ast.parse(source)):
        if re.fullmatch(r"[\w.{}]+:[\w{}]+", text):
            module = text.split(":")[0].split("{")[0].rstrip(".")
            while module and module not in modules:
                module = module.rpartition(".")[0]
            named.add(module)
    return named & modules


def _strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def find_upward(graph: Mapping[str, Set[str]], height: Mapping[str, int]) -> set[tuple[str, str]]:
    """Return the edges that lead to a higher floor."""
    edges = ((module, other) for module, others in graph.items() for other in others)
    return {(module, other) for module, other in edges if height[room_of(module)] < height[room_of(other)]}


def find_circle(graph: Mapping[str, Set[str]], faces: Set[str] = frozenset()) -> list[str]:
    """Return modules that import each other in a circle, or none; a face, which only hands names on, is not followed."""
    try:
        TopologicalSorter({module: others - {module} for module, others in graph.items() if module not in faces}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


TEXTS = {module: path.read_text(encoding="utf-8") for module, path in FILES.items()}
IMPORTS = {module: find_imports(text, FILES.keys()) for module, text in TEXTS.items()}
REFERENCES = {module: find_references(text, FILES.keys()) for module, text in TEXTS.items()}
FACES = {module for module, path in FILES.items() if path.name == "__init__.py"}


def test_every_file_stands_on_a_floor() -> None:
    assert {room_of(module) for module in FILES} <= set(HEIGHT)


def test_imports_run_downwards_only() -> None:
    assert find_upward(IMPORTS, HEIGHT) == set()


def test_registered_names_lead_downwards_only() -> None:
    assert find_upward(REFERENCES, HEIGHT) == set()


def test_no_two_files_import_each_other() -> None:
    assert find_circle(IMPORTS, FACES) == []


def test_the_walk_reads_the_sources() -> None:
    assert "reverie.errors" in IMPORTS["reverie.files"]
    assert "reverie.training.recipe" in IMPORTS["reverie.cli.train"]  # inside a function
    assert "reverie.data.batch" in IMPORTS["reverie.protocols"]  # for type checkers
    assert "reverie.llm.collm.model" in REFERENCES["reverie.llm.collm.entry"]
    assert "reverie.models" in REFERENCES["reverie.models.shelf"]  # an f-string


BAD = {
    "reverie.data.low": "from reverie.models.high import Model",
    "reverie.data.late": "def load():\n    import reverie.training.fit\n",
    "reverie.data.named": "ENTRY = 'reverie.llm.model:build'",
    "reverie.data.formed": "def entry(name): return f'reverie.llm.{name}:build'",
    "reverie.models.high": "if TYPE_CHECKING:\n    from reverie.models import circle",
    "reverie.models.circle": "from reverie.models.high import Model",
    "reverie.models.shelf": "ENTRY = 'reverie.models.high:build'",
    "reverie.models": "from reverie.models.high import Model",
    "reverie.training.fit": "import reverie.models.high",
    "reverie.llm": "",
    "reverie.llm.model": "",
}
"""A package with an import and two names that lead upwards, and a circle that only type checkers follow."""


def test_the_checks_find_what_is_wrong() -> None:
    imports = {module: find_imports(text, BAD.keys()) for module, text in BAD.items()}
    references = {module: find_references(text, BAD.keys()) for module, text in BAD.items()}
    assert find_upward(imports, HEIGHT) == {
        ("reverie.data.low", "reverie.models.high"),
        ("reverie.data.late", "reverie.training.fit"),
    }
    assert find_upward(references, HEIGHT) == {
        ("reverie.data.named", "reverie.llm.model"),
        ("reverie.data.formed", "reverie.llm"),
    }
    assert references["reverie.models.shelf"] == {"reverie.models.high"}
    assert set(find_circle(imports)) == {"reverie.models.high", "reverie.models.circle"}


def test_a_face_makes_no_circle() -> None:
    graph = {"reverie.data": {"reverie.data.batch"}, "reverie.data.batch": {"reverie.data"}}
    assert find_circle(graph) != []
    assert find_circle(graph, {"reverie.data"}) == []


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    program = """
import sys
import reverie
assert not {"torch", "polars", "numpy", "pydantic"} & set(sys.modules), "import reverie"
import reverie.cli.main
assert not {"torch", "polars", "matplotlib"} & set(sys.modules), "the command line"
from reverie.models.shelf import MODELS
for name in MODELS:
    MODELS.config(name)
assert "torch" not in sys.modules, "the configurations of the models"
assert reverie.list_models() == sorted(MODELS)
assert "torch" not in sys.modules, "list_models"
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_can_be_imported() -> None:
    assert all(getattr(reverie, name) is not None for name in reverie.__all__)
    assert dir(reverie) == sorted(reverie.__all__)
