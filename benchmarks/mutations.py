"""Hostile changes of files that a person may edit, damage or mix up, and what Reverie says to them."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from reverie.errors import ReverieError

VALUES: tuple[Any, ...] = (
    None, [], {}, "", "x", " ", -1, 0, 1.5, 2**31, 2**62, 10**25, 1e308, -1e308, True, [1], {"a": 1}, [None], "\x1b[31m", "9" * 50,
    "a\nb", "[/b]", "é" * 3, "../../x", "nan", "1e5", {"name": "x", "seed": 1, "data": 2}, [[[[[[1]]]]]],
)  # fmt: skip
"""What a value is replaced with."""
TEXTS = (
    b"", b" ", b"[]", b"{}", b"null", b"0", b'"x"', b"[" * 100_000, b'{"a":' * 5_000, b"\xff\xfe\x00", b"\x00" * 9,
    b"NaN", b"1e999",
    b"9" * 5_000,
    b"- a\n- b\n", b"a: &a [*a]\n", b"!!python/object:os.system x\n", b"a: 2024-13-45\n", b"a: \x01\n", b"{" * 3_000,
    b"a: !!int abc\n", b"? [1]\n: 2\n", b"a: 1\na: 2\n", b"\xef\xbb\xbf{}", b"<<: 3\n", b"a: 0x\nb: 0o9\n", b"--- 1\n--- 2\n",
    b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"a%d: &a%d [%s]\n" % (i, i,
    b",".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 9)),
)  # fmt: skip
"""What a whole file is replaced with."""
SCALARS = (
    "2024-13-45", "0x", "!!int abc", "!!float abc", "!!timestamp x", "!!bool abc", "1" * 5_000, "yes", "1:30", "1_000",
    ".inf", "-.inf",
    ".nan", "1e309", "*a", "&a [*a]", "!!python/name:os.system", "!x y", "[" * 500, "{a: {b: {c: 1}}}", "\x07",
    '"\\x01"', '"\\ud800"',
    "-1", "0", "1.5", "text", "''", "[]", "{}", "[1, 2", "{a: 1, a: 2}", "99999999999999999999", "3000000000", "null",
    "1e12", "<<: 3",
)  # fmt: skip
"""What stands after the colon of a YAML file or after ``--set key=``."""


class Hang(BaseException):
    """An answer took too long."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `Hang` in what takes longer."""

    def stop(number: int, frame: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(ask: Callable[[], Any], expected: Any = None, seconds: float = 20) -> tuple[str, str]:
    """Return how a question ended (refused, taken, wrong acceptance, traceback or hang), and what was said."""
    try:
        with time_limit(seconds), contextlib.redirect_stderr(io.StringIO()):
            found = ask()
    except ReverieError as error:
        return ("refused" if str(error).strip() else "traceback"), str(error)
    except Hang:
        return "hang", ""
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # whatever it is, it is what is looked for
        return "traceback", f"{type(error).__name__}: {error}"
    return ("taken" if expected is None or found == expected else "wrong acceptance"), ""


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where the values of nested lists and mappings stand."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, one in inside for place in places(one, (*here, key)))]


def change_value(value: Any, draw: random.Random) -> Any:
    """Replace, leave out, rename or add one value of nested lists and mappings."""
    changed, place = copy.deepcopy(value), draw.choice(places(value))
    new = draw.choice(VALUES)
    if not place:
        return new
    owner = changed
    for key in place[:-1]:
        owner = owner[key]
    what = draw.random()
    if what < 0.2:
        del owner[place[-1]]
    elif what < 0.3 and isinstance(owner, dict):
        owner[f"{place[-1]}s"] = owner.pop(place[-1])
    elif what < 0.4 and isinstance(owner, dict):
        owner[draw.choice(("name", "seed", "data", "x", "self", ""))] = new
    else:
        owner[place[-1]] = new
    return changed


def change_bytes(data: bytes, draw: random.Random) -> bytes:
    """Cut, flip, insert or repeat bytes."""
    if not data:
        return b"x"
    at, what = draw.randrange(len(data)), draw.random()
    if what < 0.3:
        return data[:at]
    if what < 0.7:
        return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]
    return data[:at] + draw.choice((b"\x00", b"\xff", b"[", b'"', b"\n", b"1e999")) + data[at:]


def change_yaml(data: bytes, draw: random.Random) -> bytes:
    """Put a hostile scalar behind one of the colons, or change a value."""
    lines = data.decode().splitlines()
    with_colon = [number for number, line in enumerate(lines) if ":" in line]
    if draw.random() < 0.3 or not with_colon:
        return yaml.safe_dump(change_value(yaml.safe_load(data), draw), sort_keys=False).encode()
    at = draw.choice(with_colon)
    lines[at] = f"{lines[at].partition(':')[0]}: {draw.choice(SCALARS)}"
    return "\n".join(lines).encode()


def change_table(path: Path, draw: random.Random) -> bytes:
    """Change columns, types, rows or values of a Parquet file; what it says of itself beside its columns stays."""
    frame, facts = pl.read_parquet(path), {k: v for k, v in pl.read_parquet_metadata(path).items() if k != "ARROW:schema"}
    column = draw.choice(frame.columns)
    other = draw.choice(frame.columns)
    held, n = frame[column], frame.height
    changes: list[Callable[[], pl.DataFrame]] = [
        lambda: frame.drop(column),
        lambda: frame.rename({column: "other"}),
        lambda: frame.with_columns(held.cast(pl.String).alias(column)),
        lambda: frame.with_columns(held.cast(pl.String).cast(pl.Binary).alias(column)),
        lambda: frame.with_columns(held.reshape((-1, 1)).arr.to_list().alias(column)),
        lambda: frame.with_columns(pl.struct(pl.col(column)).alias(column)),
        lambda: frame.with_columns(pl.lit(None).alias(column)),
        lambda: frame.with_columns(pl.Series(column, [draw.choice((-1, 0, 2**40, 10**6))] * n)),
        lambda: frame.with_columns(pl.Series(column, [draw.choice((float("nan"), float("inf"), 1e308))] * n)),
        lambda: frame.with_columns(pl.Series(column, [True] * n)),
        lambda: frame.with_columns(held.shuffle(draw.randrange(99)).alias(column)),
        lambda: frame.with_columns(held.reverse().alias(column), frame[other].alias("more")),
        lambda: frame.clear(),
        lambda: frame.head(draw.randrange(n + 1)),
        lambda: pl.concat([frame, frame]),
        lambda: frame.sample(n, shuffle=True, seed=draw.randrange(99)),
        lambda: frame.with_columns(pl.when(pl.int_range(n) == 0).then(None).otherwise(held).alias(column)),
    ]
    out = io.BytesIO()
    draw.choice(changes)().write_parquet(out, metadata=facts)
    return out.getvalue()


def change_file(path: Path, draw: random.Random, others: Sequence[Path]) -> None:
    """Change one file in the way of its kind, or put something else in its place."""
    data, what = path.read_bytes(), draw.random()
    if what < 0.06:
        path.unlink()
        made = draw.choice(("nothing", "folder", "pipe", "device", "loop"))
        if made == "folder":
            path.mkdir()
        elif made == "pipe":
            os.mkfifo(path)
        elif made in ("device", "loop"):
            path.symlink_to("/dev/zero" if made == "device" else path.name)
        return
    new = data
    if what < 0.12:
        new = draw.choice(others).read_bytes()
    elif what < 0.2:
        new = draw.choice(TEXTS)
    elif what < 0.4:
        new = change_bytes(data, draw)
    elif path.suffix == ".json":
        new = json.dumps(change_value(json.loads(data), draw)).encode()
    elif path.suffix == ".jsonl":
        lines = data.splitlines()
        at = draw.randrange(len(lines))
        lines[at] = draw.choice((json.dumps(change_value(json.loads(lines[at]), draw)).encode(), *TEXTS[:8]))
        new = b"\n".join(lines) + b"\n"
    elif path.suffix == ".yaml":
        new = change_yaml(data, draw)
    elif path.suffix == ".parquet":
        with contextlib.suppress(pl.exceptions.PolarsError):
            new = change_table(path, draw)
    else:
        new = change_bytes(data, draw)
    path.write_bytes(new)


def without_digests(folder: Path) -> None:
    """Make a run folder look like one of before the time when digests were written."""
    for name, key in (("result.json", "evaluation"), ("model/model.json", "files"), ("state/state.json", "sha256")):
        if (path := folder / name).is_file():
            path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k not in (key, "digest")}))


@contextlib.contextmanager
def changed(folder: Path, names: Sequence[str], draw: random.Random) -> Iterator[str]:
    """Change one of some files of a folder, give its name, and put it back afterwards."""
    name = draw.choice(names)
    path, data = folder / name, (folder / name).read_bytes()
    change_file(path, draw, [folder / one for one in names])
    try:
        yield name
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
