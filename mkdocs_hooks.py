"""Pages that are made: names of the API reference led to the modules that define them, and notebooks."""

from __future__ import annotations

import importlib
import json
import re
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with the public names after ``:::`` replaced by where they are defined, and notebooks by their pages."""
    markdown = markdown.replace(".ipynb)", ".md)")
    return re.sub(r"^::: (\S+)$", lambda found: f"::: {defined_at(found[1])}", markdown, flags=re.MULTILINE)


def defined_at(path: str) -> str:
    """Return the dotted path under which the module that defines a public name has it."""
    module, _, name = path.rpartition(".")
    package = importlib.import_module(module)
    home = getattr(getattr(package, name), "__module__", "")
    if home.startswith("reverie.") and hasattr(importlib.import_module(home), name):
        return f"{home}.{name}"
    lazy = vars(package).get("_WHERE", {}).get(name)  # a type alias does not know its module
    return path if lazy is None else defined_at(lazy)


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add a page for each notebook, with what its cells have shown."""
    for file in [one for one in files if one.src_uri.endswith(".ipynb")]:
        text = notebook_page(json.loads(file.content_string))
        files.append(File.generated(config, file.src_uri.removesuffix(".ipynb") + ".md", content=text))
    return files


def notebook_page(notebook: dict[str, Any]) -> str:
    """Return a notebook as Markdown: its text, its code, and tables, plots and printed lines below it."""
    parts = []
    for cell in notebook["cells"]:
        parts.append(cell["source"] if cell["cell_type"] == "markdown" else f"```python\n{cell['source']}\n```")
        for output in cell.get("outputs", ()):
            data = output.get("data", {"text/plain": output.get("text", "")})
            if "image/png" in data:
                parts.append(f'<img alt="{data["text/plain"]}" src="data:image/png;base64,{data["image/png"]}">')
            elif "text/html" in data:
                parts.append(f'<div class="shown" markdown="0">\n{data["text/html"]}\n</div>')
            else:
                parts.append(f"```text\n{data['text/plain'].rstrip()}\n```")
    return "\n\n".join(parts) + "\n"
