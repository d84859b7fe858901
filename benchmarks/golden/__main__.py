"""Run many small commands of ``reverie`` and compare what they print and write with what was recorded before a change.

Run: python benchmarks/golden --keep          records; before the change
     python benchmarks/golden                 compares; exit code 1 and a diff where something differs
     python benchmarks/golden --only collm    only groups whose name holds this regular expression
Datasets are looked for in the folder that REVERIE_DATA names; nothing is fetched. Outputs depend on processor and libraries, so
they are kept outside git, in runs/golden. Times, memory, commits, versions, folders and hashes are left out; floats have
six digits.
"""

from __future__ import annotations

import argparse
import datetime
import difflib
import os
import platform
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from golden.ask import ask, prepare
from golden.commands import SLOW, Group, groups, write_tiny
from golden.plain import HASH, Plain, listing, rounded, written

ROOT = Path(__file__).resolve().parents[2]
KEPT, NOW = ROOT / "runs" / "golden", ROOT / "runs" / "golden-now"
SHOWN = 40
"""Lines of a diff that are printed per file."""


@dataclass(frozen=True)
class Workplace:
    """Where commands are run.

    Parameters
    ----------
    scratch : Path
        Gets a folder per group.
    """

    scratch: Path

    def plain(self) -> Plain:
        """Return the rules for what the commands say.

        Returns
        -------
        Plain
            With the folders, versions and dates of today.
        """
        days = (datetime.date.today() + datetime.timedelta(days) for days in (-1, 0, 1))
        names = {str(self.scratch): "<scratch>", os.environ["REVERIE_DATA"].rstrip("/"): "<data>", str(ROOT): "<root>"}
        names |= {day.isoformat(): "<day>" for day in days}
        names |= {platform.platform(): "<system>", f"reverie {metadata.version('reverie')}": "reverie <version>"}
        return Plain(names)

    def listed(self, *words: str) -> str:
        """Return what a command printed.

        Parameters
        ----------
        *words : str
            Verb and options.

        Returns
        -------
        str
            Standard output.
        """
        return ask(list(words), self.scratch).out

    def run(self, group: Group, target: Path) -> None:
        """Run a group and write its plain outputs.

        Parameters
        ----------
        group : Group
            What is run.
        target : Path
            Gets a folder of the group's name, made anew.
        """
        folder, kept, plain = self.scratch / group.name, target / group.name, self.plain()
        folder.mkdir(parents=True)
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        if group.tiny:
            write_tiny(folder)
        for at, line in enumerate(group.commands, 1):
            begin = time.monotonic()
            done = ask(shlex.split(line), folder)
            print(f"{time.monotonic() - begin:6.1f} s  {group.name}: reverie {line}  [{done.code}]", flush=True)
            printed = (plain.json if "--json" in line else plain.table)(done.out)
            wrong = plain.table("\n".join(done.err.strip().splitlines()[-3:])) if done.code else ""
            text = f"$ reverie {line}\nexit code {done.code}\n{wrong}{printed}"
            (kept / f"{at:02d}.txt").write_text(text, encoding="utf-8")
        (kept / "files.txt").write_text(listing(folder), encoding="utf-8")
        for path in written(folder):
            name = str(path.relative_to(folder))
            if not HASH.search(name) and (text := plain.file(path)) is not None:
                (kept / f"{name.replace('/', '+')}.txt").write_text(text, encoding="utf-8")
        shutil.rmtree(folder)


def differences(old: Path, new: Path, names: Sequence[str], digits: int) -> dict[str, list[str]]:
    """Return the lines of the diff of each file that differs.

    Parameters
    ----------
    old, new : Path
        Folders with a folder per group.
    names : sequence of str
        Groups that are compared.
    digits : int
        Significant digits of floats.

    Returns
    -------
    dict
        By name of the file below both folders.
    """

    def read(folder: Path, name: str) -> list[str]:
        path = folder / name
        return rounded(path.read_text(encoding="utf-8"), digits).splitlines(keepends=True) if path.exists() else []

    files = {str(path.relative_to(folder)) for folder in (old, new) for name in names for path in (folder / name).glob("*.txt")}
    found = {}
    for file in sorted(files):
        sides = read(old, file), read(new, file)
        if sides[0] != sides[1]:
            found[file] = list(difflib.unified_diff(*sides, f"before/{file}", f"after/{file}", n=2))
    return found


def report(found: Mapping[str, list[str]], path: Path) -> None:
    """Print the first lines of each diff, and write all of them.

    Parameters
    ----------
    found : mapping
        From `differences`.
    path : Path
        Gets all lines.
    """
    path.write_text("".join("".join(lines) for lines in found.values()), encoding="utf-8")
    for lines in found.values():
        print("".join(lines[:SHOWN]), end="")
        print(f"... {len(lines) - SHOWN} more lines" if len(lines) > SHOWN else "")
    print(f"{len(found)} files differ; all lines: {path}" if found else "nothing differs")


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Parameters
    ----------
    words : sequence of str or None
        The words; those of the process by default.

    Returns
    -------
    int
        Exit code: 1 where something differs, 2 where it cannot be said.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", nargs="?", const=KEPT, type=Path, metavar="FOLDER", help="record, in runs/golden by default")
    parser.add_argument("--against", default=KEPT, type=Path, metavar="FOLDER", help="what to compare with; runs/golden by default")
    parser.add_argument("--only", default="", metavar="PATTERN", help="only groups whose name holds this regular expression")
    parser.add_argument("--all", action="store_true", help=f"also what takes minutes: {', '.join(sorted(SLOW)) or 'nothing'}")
    parser.add_argument("--list", action="store_true", help="name the groups and their commands, and run nothing")
    parser.add_argument("--again", action="store_true", help="compare the outputs of the last run again, and run nothing")
    parser.add_argument("--jobs", default=2, type=int, help="commands at a time; 2 by default")
    parser.add_argument("--digits", default=6, type=int, help="significant digits of floats that are compared; 6 by default")
    asked = parser.parse_args(words)
    if not Path(os.environ.get("REVERIE_DATA") or "/nowhere").is_dir():
        print("error: set REVERIE_DATA to the folder that holds the datasets, e.g. REVERIE_DATA=/my/data", file=sys.stderr)
        return 2
    begin, target = time.monotonic(), (asked.keep or NOW).resolve()
    with tempfile.TemporaryDirectory(prefix="reverie-golden-") as scratch:
        prepare(Path(scratch), ROOT / "src")
        place = Workplace(Path(scratch))
        chosen = [one for one in groups(place.listed) if re.search(asked.only, one.name) and (asked.all or one.name not in SLOW)]
        if asked.list:
            print("\n".join(f"{one.name}\n" + "\n".join(f"  reverie {line}" for line in one.commands) for one in chosen))
            return 0
        if not asked.again:
            with ThreadPoolExecutor(asked.jobs) as pool:
                list(pool.map(lambda group: place.run(group, target), chosen))
    print(f"{len(chosen)} groups in {time.monotonic() - begin:.0f} s: {target}")
    if asked.keep:
        return 0
    names = [one.name for one in chosen]
    if missing := [name for name in names if not (asked.against / name).is_dir()]:
        print(f"error: {asked.against} has no {missing[0]}; record with --keep before the change", file=sys.stderr)
        return 2
    found = differences(asked.against, target, names, asked.digits)
    report(found, target.with_suffix(".diff"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
