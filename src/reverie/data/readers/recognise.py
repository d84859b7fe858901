"""What a file is, told from its first bytes and a few places of it, whatever its suffix."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from reverie.data.readers.dialect import BLANKS, NAMES, Dialect, dialect_of, normalise_name, split_lines
from reverie.data.readers.encodings import encoding_of, known_encoding
from reverie.data.readers.layouts import HEADER_NAMES, SKIPPED, FileOptions, usual_layouts
from reverie.errors import ConfigError, DataError, short, unknown

HEAD, PIECE = 1 << 18, 1 << 15
"""Bytes of the beginning, and of each of three places behind it, that are looked at."""
FORMATS = ("csv", "tsv", "atomic", "jsonl", "json", "parquet", "arrow", "sequences", "blocks")
"""By the name that ``format=`` takes; csv stands for every separator."""
_BINARY = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow"}
_PICKLE = "a pickle, which is never opened; write the table as Parquet"
_MEDIA = "a picture, a video or sound; give a table, with a column of the paths of such files"
_OTHERS = {
    b"PK\x03\x04": "an archive or a workbook of a spreadsheet; save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "a workbook of Excel; save the sheet as CSV",
    b"SQLite format 3\0": "a database; write the table as CSV or Parquet",
    b"\x89HDF": "an HDF5 file; write the table as Parquet",
    b"\x93NUMPY": "an array of numpy; load it and give the array",
    b"Obj\x01": "an Avro file; write it as Parquet",
    b"ORC": "an ORC file; write it as Parquet",
    b"%PDF": "a PDF; save the table as CSV",
    b"{\\rtf": "a text of a word processor; save it as CSV",
    b"\x80\x02": _PICKLE,
    b"\x80\x03": _PICKLE,
    b"\x80\x04": _PICKLE,
    b"\x80\x05": _PICKLE,
    b"MATLAB 5.0": "a file of MATLAB; write the table as CSV",
    b"\xff\xd8\xff": _MEDIA,
    b"\x89PNG": _MEDIA,
    b"GIF87a": _MEDIA,
    b"GIF89a": _MEDIA,
    b"RIFF": _MEDIA,
    b"\x1aE\xdf\xa3": _MEDIA,
    b"OggS\0": _MEDIA,
    b"ID3\x02": _MEDIA,
    b"ID3\x03": _MEDIA,
    b"ID3\x04": _MEDIA,
}
"""First bytes of files that are not read, and what to do instead."""
_CONTROLS = re.compile(r"[\x00\x02-\x08\x0e-\x1b\x7f]")
"""Characters that text does not have; \\x01 and \\x1c to \\x1f may separate fields."""
SAMPLE, STRAY, SOME = 4096, 0.02, 8
"""Characters that are looked at for those; the share of them, and the number, from which a file is not text."""
_MARKUP = re.compile(r"\s*<(\?xml|!DOCTYPE|html|[A-Za-z][\w:.-]*[\s>/])", re.IGNORECASE)
_JSON = re.compile(r"\s*(\{\s*([\"}]|$)|\[\s*([{\[\]]|$))")
_PYTHON = re.compile(r"\s*\[?\s*\{\s*u?'")
_USER, _ITEM = re.compile(r"[\w@.+:|/-]*\w"), re.compile(r"(?=[^\d\ufffd]*[\d\ufffd])[\w.:|/\ufffd-]*[\w\ufffd]")
"""Of lines of users without a word that says so; prose and code have other words."""
_BLOCKS = re.compile(r"\s*\d+:[ \t]*\r?\n[^:\r\n]*,")


@dataclass(frozen=True)
class Form:
    """What a file is: its format, its encoding and, where it is a table of text, its dialect."""

    format: str
    encoding: str = "utf-8"
    dialect: Dialect | None = None
    marked: bool = False
    """Whether it begins with the byte-order mark of UTF-8."""
    asked: str | None = None
    """The encoding that somebody named."""

    def __str__(self) -> str:
        words = {"jsonl": "JSON lines", "json": "JSON", "parquet": "Parquet", "arrow": "Arrow", "blocks": "blocks of an item each",
                 "sequences": "a line a user, then the items, oldest first"}  # fmt: skip
        said = words.get(self.format, "table")
        if self.dialect is not None:
            dialect = self.dialect
            between = NAMES.get(dialect.separator, f"'{dialect.separator}'")
            place = f" in line {dialect.skip + 1}" if dialect.header and dialect.skip else ""
            said = f"{between} between fields, {'a' if dialect.header else 'no'} header{place}"
        other = self.asked is not None and known_encoding(self.asked) != self.encoding
        instead = f", {self.encoding} and not {self.asked}" if other else f", {self.encoding}"
        return said + ("" if self.encoding == "utf-8" and not other else instead)


def recognise(path: Path, where: str, options: FileOptions) -> Form:
    """Tell what a file is; what cannot be told, or not without a word of the person, is an error of one sentence."""
    with path.open("rb") as handle:
        head = handle.read(HEAD)
        size = path.stat().st_size
        pieces = [_piece(handle, size * place // 4) for place in (1, 2, 3)] if size > HEAD + 4 * PIECE else []
    if options.format is not None and options.format not in FORMATS:
        raise unknown("format", options.format, FORMATS)
    if options.format in ("parquet", "arrow"):
        return Form(options.format)
    if not head.strip():
        raise DataError(f"{where} is empty; check that it is the right file")
    if options.format is None:
        for magic, kind in _BINARY.items():
            if head.startswith(magic):
                return Form(kind)
        for magic, what in _OTHERS.items():
            if head.startswith(magic):
                raise DataError(f"{where} is {what}")
        if head[257:262] == b"ustar":
            raise DataError(f"{where} is an archive of tar; unpack it and give one of its files, or the folder")
    encoding, marked = encoding_of(head, options.encoding), head.startswith(BOM_UTF8)
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    if options.format is None and len(_CONTROLS.findall(text[:SAMPLE])) >= max(SOME, STRAY * len(text[:SAMPLE])):
        raise DataError(f"{where} is neither text nor a table of a known format; save it as CSV or Parquet")
    text = text.replace("\0", "\ufffd")
    if not text.strip():
        raise DataError(f"{where} is empty; check that it is the right file")
    if size > HEAD:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    if options.format in ("jsonl", "json", "sequences", "blocks"):
        return Form(options.format, encoding, marked=marked, asked=options.encoding)
    if options.format is None and (found := _marked(text, where)) is not None:
        return Form(found, encoding, marked=marked, asked=options.encoding)
    form = _text(text, [piece.decode(encoding, errors="replace") for piece in pieces], where, encoding, options)
    return replace(form, marked=marked, asked=options.encoding)


def _piece(handle: object, place: int) -> bytes:
    """Return whole lines of one place of a file."""
    handle.seek(place)  # type: ignore[attr-defined]
    return b"\n".join(handle.read(PIECE).split(b"\n")[1:-1])  # type: ignore[attr-defined]


def _marked(text: str, where: str) -> str | None:
    """Return the format that the first signs of a text tell."""
    if _MARKUP.match(text):
        raise DataError(f"{where} is a page or XML, which is not read as a log; save the table as CSV or JSON lines")
    if _PYTHON.match(text):
        raise DataError(
            f"{where} holds Python dictionaries, not JSON: it begins with {short(text.strip().splitlines()[0], 60)}; write each "
            "line again with json.dumps(ast.literal_eval(line))"
        )
    if _BLOCKS.match(text):
        return "blocks"
    if not _JSON.match(text):
        return None
    first = text.strip().splitlines()[0].strip()
    if not first.startswith("{"):
        return "json"
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        opened = re.fullmatch(r'\{(\s*"[^"]*"\s*:\s*([\[{]\s*)*|[^{}]*,)?', first)  # a document over several lines
        return "json" if opened else "jsonl"
    return "jsonl"


def _text(text: str, more: list[str], where: str, encoding: str, options: FileOptions) -> Form:
    """Tell a table of text from sequences."""
    separator = {"tsv": "\t", "atomic": "\t"}.get(options.format or "", options.separator)
    separator = {"\\t": "\t", "tab": "\t", "blank": BLANKS, "blanks": BLANKS, "space": BLANKS}.get(separator or "", separator)
    if separator is not None and (not separator or re.search(r"[\r\n\"]", separator)):
        raise ConfigError("separator= is what stands between the fields of a line: a sign or several, 'tab' or 'blanks'")
    known = HEADER_NAMES | {normalise_name(name) for name in options.names}
    dialect = dialect_of(text, known, separator)
    if dialect is None or (not dialect.header and dialect.share < 0.9 and dialect.separator in ("\t", BLANKS)):
        if options.format is None and separator is None and options.columns is None and _are_sequences([text, *more]):
            return Form("sequences", encoding)
        if dialect is None:
            _refuse_row(where, text.strip().splitlines()[0])
    if options.columns is None and not dialect.header and options.format not in ("tsv", "atomic"):
        _refuse_headless(where, dialect, text)
    if (roles := options.roles) is not None and len(roles) != dialect.width:
        row = ", ".join(dialect.first)
        raise ConfigError(
            f"columns= says what {len(roles)} fields are, and a row of {where} has {dialect.width}: {short(row, 160)}; name each, "
            "and '-' skips one"
        )
    return Form("csv", encoding, dialect)


def _are_sequences(texts: list[str]) -> bool:
    """Whether lines differ in length, no two begin with the same word, and ids with a digit follow it, as in lines of users."""
    rows = [row for text in texts for row in split_lines(text, BLANKS, None)]
    lengths, users = {len(row) for row in rows}, {row[0] for row in rows}
    if len(lengths) < 2 or len(users) < len(rows) or not all(map(_USER.fullmatch, users)):
        return False
    if all(len(row) > 1 and row[1] == str(len(row) - 2) for row in rows):  # a count of the items stands before them
        return False
    return all(_ITEM.fullmatch(item) for row in rows for item in row[1:])


def _refuse_row(where: str, row: str) -> NoReturn:
    several = len(row.split()) > 1
    lines = "format=sequences if each is a user and the items, or " if several else ""
    what = "has rows that differ in length" if several else "is no table with two columns or more"
    raise DataError(f"{where} {what}, and the first is {short(row, 120)}; say {lines}what stands between fields with separator=")


def _refuse_headless(where: str, dialect: Dialect, text: str) -> NoReturn:
    """Say what the first row is, and how to say what its fields are."""
    row, width = short(", ".join(dialect.first), 160), dialect.width
    numbers = sum(re.fullmatch(r"\s*-?[\d.]*\s*", field) is not None for field in dialect.first)
    if width > 40 and numbers > 0.8 * width:
        raise DataError(
            f"{where} looks like a matrix of ratings, {width} numbers a row, which is not read: it begins {short(row, 60)}; write "
            "one row a rating, with user, item and rating"
        )
    example = ",".join(["user", "item", "timestamp"][:width] + [SKIPPED] * (width - 3))
    usual = usual_layouts(dialect.first, dialect.separator)
    layouts = f", or name its layout if it is {' or '.join(usual[:3])} with layout={usual[0]}" if usual else ""
    names = not any(re.search(r"\d", field) for field in dialect.first)
    header = ", or user= and item= if that row has the names of the columns" if names else ""
    lines = (
        ", or format=sequences if a line is a user and the items"
        if dialect.separator in ("\t", BLANKS) and (width > 2 or " " in row.partition(", ")[2])
        else ""
    )
    raise DataError(
        f"{where} has no header that is known, and its first row is {row}; say what each field is, for instance "
        f"columns={example} ('-' skips one){layouts}{header}{lines}"
    )
