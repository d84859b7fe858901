"""The house: imports run downwards only, nothing imports in a circle, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import reverie

SOURCE = Path(reverie.__file__).parent
FLOORS = [
    {"cli", "__main__"},
    {"testing"},
    {"serving", "studio"},
    {"robustness", "redteam", "imagery"},
    {"rl", "llm", "video", "contrast"},
    {"report"},
    {"training", "evaluation"},
    {"models"},
    {"objectives", "diffusion", "nn"},
    {"data"},
    {"protocols", "registry", "options", "settings", "files", "seeds", "errors", "processes", "__init__"},
]
HEIGHT = {room: len(FLOORS) - number for number, floor in enumerate(FLOORS) for room in floor}
"""Height of each folder or file right under the package."""


def _module(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_module(path): path for path in sorted(SOURCE.rglob("*.py"))}


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def _run_time_nodes(node: ast.AST) -> list[ast.AST]:
    """All nodes but those under ``if TYPE_CHECKING``."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            found += [inner for other in child.orelse for inner in [other, *_run_time_nodes(other)]]
        else:
            found += [child, *_run_time_nodes(child)]
    return found


def _imports(module: str) -> set[str]:
    """Modules of ours that a file imports when it runs, inside functions too, and those it names as ``module:object``."""
    found: set[str] = set()
    for node in _run_time_nodes(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in FILES}
        elif isinstance(node, ast.ImportFrom) and node.module in FILES:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(FILES)
            found |= submodules if len(submodules) == len(node.names) else submodules | {node.module}
    return found - {module}


GRAPH = {module: _imports(module) for module in FILES}


def test_every_file_stands_on_a_floor() -> None:
    assert {_room(module) for module in FILES} <= set(HEIGHT)


def test_imports_run_downwards_only() -> None:
    upwards = [(m, other) for m, others in GRAPH.items() for other in others if HEIGHT[_room(m)] < HEIGHT[_room(other)]]
    assert upwards == []


def test_no_two_files_import_each_other() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in sorted(GRAPH[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in FILES:
        visit(module, ())


def test_the_walk_can_find_an_upward_import() -> None:
    assert "reverie.errors" in GRAPH["reverie.files"]
    assert "reverie.training.recipe" in GRAPH["reverie.cli.train"]
    assert "reverie.data.batch" not in GRAPH["reverie.protocols"]


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
