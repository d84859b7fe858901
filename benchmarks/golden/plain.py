"""What a command printed and wrote, without what differs from run to run: times, memory, commits, versions, places, hashes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl

VOLATILE = frozenset(
    {"seconds", "scoring_seconds", "crafting", "peak_mb", "commit", "key", "keys"}
    | {"cores", "system", "processor", "python", "reverie", "packages", "threads"}
)
"""Columns and keys whose values are not compared."""
FLOAT = re.compile(r"(?<![\w.])-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+)(?![\w.])")
RULES = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{9}\b\+?"), "<commit>"),
    (re.compile(r"(?<![\w.])\d[\d,.]* ?(?:h \d+ min|min \d+ s|ms|s|min|h)\b"), "<time>"),
    (re.compile(r"(?<![\w.])\d[\d,.]* ?(?:[kKMGT]i?B)\b"), "<memory>"),
)
SILENT, JOINED = frozenset({"script", "style", "title"}), frozenset({"tr", "svg"})
INLINE = frozenset({"b", "i", "em", "strong", "code", "a", "span", "small", "abbr", "tspan", "sub", "sup"})
HASH = re.compile(r"(?<![0-9a-zA-Z])(?=[a-z]*\d)[0-9a-f]{8,}(?![0-9a-zA-Z])")


class Plain:
    """Rules for one place.

    Parameters
    ----------
    names : mapping of str
        What to call the folders, versions and dates of this place.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = {old: names[old] for old in sorted(names, key=len, reverse=True) if old}

    def text(self, text: str) -> str:
        """Return text without what differs from run to run.

        Parameters
        ----------
        text : str
            Any.

        Returns
        -------
        str
            The rest, floats with six digits.
        """
        for old, new in self.names.items():
            text = text.replace(old, new)
        for pattern, new in RULES:
            text = pattern.sub(new, text)
        return rounded(text)

    def table(self, text: str) -> str:
        """Return what a terminal showed: runs of blanks are two blanks, so widths do not count.

        Parameters
        ----------
        text : str
            Standard output.

        Returns
        -------
        str
            Lines; the cells below a heading ``seconds`` are left out.
        """
        lines, end = [], 0
        for line in text.splitlines():
            if found := re.search(r"\bseconds\b", line):
                end = found.end()
            elif end and (cell := re.search(r"\S+$", line[:end])):
                line = line[: cell.start()] + "<time>" + line[end:]
            end = end if line.strip() else 0
            lines.append(re.sub(r"([─━═])\1+", r"\1", re.sub(r" {2,}", "  ", line.rstrip())))
        return self.text("\n".join(lines) + "\n")

    def value(self, value: Any) -> Any:
        """Return a value of JSON.

        Parameters
        ----------
        value : object
            Parsed.

        Returns
        -------
        object
            The same, plain.
        """
        if isinstance(value, dict):
            return {self.text(k): f"<{k}>" if k in VOLATILE else self.value(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, float):
            return float(f"{value:.6g}")
        return self.text(value) if isinstance(value, str) else value

    def json(self, text: str) -> str:
        """Return JSON, indented.

        Parameters
        ----------
        text : str
            JSON, or what should have been.

        Returns
        -------
        str
            Plain.
        """
        try:
            return json.dumps(self.value(json.loads(text)), indent=1, ensure_ascii=False) + "\n"
        except json.JSONDecodeError:
            return self.table(text)

    def csv(self, text: str) -> str:
        """Return a table whose columns of `VOLATILE` are blank.

        Parameters
        ----------
        text : str
            With a header.

        Returns
        -------
        str
            The same, plain.
        """
        rows = list(csv.reader(io.StringIO(text)))
        shown = [",".join("" if name in VOLATILE else cell for name, cell in zip(rows[0], row, strict=False)) for row in rows[1:]]
        return self.text("\n".join([",".join(rows[0]), *shown]) + "\n") if rows else "\n"

    def page(self, text: str) -> str:
        """Return the words of an HTML page or of an SVG.

        Parameters
        ----------
        text : str
            Markup.

        Returns
        -------
        str
            A line per block, row of a table or drawing.
        """
        reader = _Words()
        reader.feed(text)
        return self.text("\n".join(reader.lines()) + "\n")

    def file(self, path: Path) -> str | None:
        """Return what is compared of a file.

        Parameters
        ----------
        path : Path
            Any file.

        Returns
        -------
        str or None
            Plain text; None for a file of which only the name counts.
        """
        kind = path.suffix
        if kind == ".parquet":
            frame = pl.read_parquet(path)
            return self.text(f"{dict(frame.schema)}\n{frame.drop(VOLATILE & set(frame.columns)).describe().write_csv()}")
        readers = {".json": self.json, ".csv": self.csv, ".html": self.page, ".svg": self.page}
        readers |= dict.fromkeys((".md", ".yaml", ".inter", ".item", ".txt"), self.text)
        return readers[kind](path.read_text(encoding="utf-8")) if kind in readers else None


class _Words(HTMLParser):
    """Collects the words of a page: cells of a row and labels of a drawing stay on one line."""

    def __init__(self) -> None:
        super().__init__()
        self._said: list[str] = [""]
        self._silent, self._joined = 0, False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._silent += tag in SILENT
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT
        self._break(tag)
        self._joined = self._joined and tag not in JOINED | {"table"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._said[-1] += re.sub(r"\s+", " ", data)

    def _break(self, tag: str) -> None:
        if tag in INLINE:
            self._said[-1] += " "
        elif tag in JOINED or not self._joined:
            self._said.append("")
            self._joined = tag in JOINED
        else:
            self._said[-1] += " | "

    def lines(self) -> Iterable[str]:
        for line in self._said:
            cells = [re.sub(r"\s+", " ", cell).strip() for cell in line.split("|")]
            cells = [cell for cell in cells if cell]
            if any("seconds" in cell or "memory in MB" in cell for cell in cells):
                cells = [cell for cell in cells if not re.fullmatch(r"[\d.,×⁰¹²³⁴-⁹−-]+|\$.*\$", cell)]  # ticks of a measured axis
            if cells:
                yield " | ".join(cells)


def rounded(text: str, digits: int = 6) -> str:
    """Return text whose floats have fewer digits.

    Parameters
    ----------
    text : str
        Any.
    digits : int
        Significant ones.

    Returns
    -------
    str
        The rest is as it was.
    """
    return FLOAT.sub(lambda found: f"{float(found[0]):.{digits}g}", text)


def written(folder: Path) -> list[Path]:
    """Return the files below a folder, but for checkpoints and logs of TensorBoard: how many there are depends on the time.

    Parameters
    ----------
    folder : Path
        Any.

    Returns
    -------
    list of Path
        Sorted.
    """
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not {"state", "tensorboard"} & set(path.relative_to(folder).parts))


def listing(folder: Path) -> str:
    """Return the names of all files below a folder; names that are hashes are counted.

    Parameters
    ----------
    folder : Path
        Any.

    Returns
    -------
    str
        A line per name.
    """
    counted = Counter(HASH.sub("<hash>", str(path.relative_to(folder))) for path in written(folder))
    return "".join(f"{name}{f'  x {n}' if '<hash>' in name else ''}\n" for name, n in sorted(counted.items()))
