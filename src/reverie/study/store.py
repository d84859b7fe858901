"""Pieces of a study on disk: each is kept under the hash of the facts that made it, so that nothing is computed twice."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from reverie import processes
from reverie.documents import read_json
from reverie.errors import ConfigError, DataError, RunError
from reverie.files import LOCK, check_digests, check_seal, digests, json_digest, locked, sealed, write_json, write_text
from reverie.scratch import is_temporary, sweep
from reverie.settings import without
from reverie.study.recipe import RecipeShelf

R = TypeVar("R", bound="BaseModel")
_DONE = "piece.json"


def claim(
    folder: Path, recipe: R, shelf: RecipeShelf[R], what: str = "study", *, several: bool = False, but_for: Sequence[str] = ()
) -> None:
    """Take a folder for a recipe, which is written there; a folder that is another's is refused.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    recipe : BaseModel
        What will run in it.
    shelf : RecipeShelf
        Reads and writes such recipes.
    what : str
        What messages say is not in a folder of something else.
    several : bool
        Whether other settings of the same recipe, by its name, may follow each other in one folder, as where every piece is kept by
        its facts.
    but_for : sequence of str
        Dotted keys in which a recipe may differ from the one before.

    Raises
    ------
    RunError
        If the folder holds something else, or a run of another recipe.
    """
    if _is_taken(folder, recipe, shelf, what, several, but_for) and not several:
        return
    with locked(folder, inside=True):
        if not _is_taken(folder, recipe, shelf, what, several, but_for):
            sweep(folder)
            for path in folder.glob(f".{shelf.file}.????????"):  # as earlier versions named what they were writing
                path.unlink()
        elif not several:
            return
        write_text(folder / shelf.file, shelf.dump(recipe))


def _is_taken(folder: Path, recipe: R, shelf: RecipeShelf[R], what: str, several: bool, but_for: Sequence[str]) -> bool:
    """Return whether a folder holds a recipe; another one that may not be there, or other things, are an error."""
    path, a_what = folder / shelf.file, f"{'an' if what[0] in 'aeiou' else 'a'} {what}"
    if not path.exists():
        own = (LOCK, *(one.name for one in folder.glob(f".{shelf.file}.????????")))
        if folder.exists() and any(one.name not in own and not is_temporary(one.name) for one in folder.iterdir()):
            raise RunError(f"{folder} is not empty and holds no {what}; choose another folder with --out")
        return False
    try:
        stored = shelf.load(str(path))
    except ConfigError as error:
        raise RunError(f"{folder} holds a run that this version cannot read ({error}); choose another folder with --out") from error
    before, now = shelf.content(stored), shelf.content(recipe)
    if before.get("name") != now.get("name") if several else without(before, but_for) != without(now, but_for):
        raise RunError(f"{folder} holds {a_what} of another recipe; choose another folder with --out, or delete it")
    return True


@contextlib.contextmanager
def held(
    folder: Path, recipe: R, shelf: RecipeShelf[R], what: str, *, but_for: Sequence[str] = (), done: str | None = None
) -> Iterator[None]:
    """Claim a folder and hold it while the block runs, so that one process writes there.

    Another process with the same recipe waits, and then finds what is there; several processes on one job do not, as the rest of
    them would be left waiting: only the first of them asks, and it is refused.

    Parameters
    ----------
    folder, recipe, shelf, what, but_for
        As of `claim`.
    done : str, optional
        A file of a folder that is finished; that needs no holding.

    Raises
    ------
    RunError
        As of `claim`, or if the folder is held and this process is one of several.
    """
    if processes.rank():
        yield
        return
    claim(folder, recipe, shelf, what, but_for=but_for)
    if done is not None and (folder / done).exists():
        yield
        return
    with locked(folder, inside=True, wait=processes.world() == 1):
        claim(folder, recipe, shelf, what, but_for=but_for)
        for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            sweep(place)
        yield


def key(facts: Mapping[str, Any]) -> str:
    """Return the name of what facts make, 24 hexadecimal digits; facts are plain and finite values."""
    return json_digest(facts)[:24]


@dataclass(frozen=True)
class Piece:
    """A finished piece.

    Parameters
    ----------
    folder : Path
        Holds its files.
    notes : mapping
        What it said of itself, as plain values.
    """

    folder: Path
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Store:
    """The pieces of a study; several processes may use one store, and each piece is made once.

    Parameters
    ----------
    folder : Path
        Pieces lie in ``<kind>/<key>/`` under it; one without ``piece.json`` is not finished and not seen.
    """

    folder: Path

    def place(self, kind: str, facts: Mapping[str, Any]) -> Path:
        """Return the folder of a piece, whether it is there or not."""
        return self.folder / kind / key(facts)

    def has(self, kind: str, facts: Mapping[str, Any]) -> bool:
        """Return whether a piece is finished."""
        return (self.place(kind, facts) / _DONE).exists()

    def kept(self, kind: str, facts: Mapping[str, Any], make: Callable[[Path], Mapping[str, Any]]) -> Piece:
        """Return a piece that is there, or make it.

        Parameters
        ----------
        kind : str
            Names its folder.
        facts : mapping
            Everything that its content depends on, as plain values; also the ``version`` of the code that makes it, which a room
            raises when the same facts come to mean something else.
        make : callable
            Writes its files into the folder that it is given, where those of an attempt that was cut may lie, and returns notes,
            plain and finite values.

        Returns
        -------
        Piece
            Finished.

        Raises
        ------
        RunError
            If the piece on disk cannot be read.
        """
        folder = self.place(kind, facts)
        if not (folder / _DONE).exists():
            with locked(folder):
                if not (folder / _DONE).exists():
                    folder.mkdir(parents=True, exist_ok=True)
                    sweep(folder)
                    notes = make(folder)
                    about = {"facts": dict(facts), "notes": dict(notes), "files": digests(folder)}
                    write_json(folder / _DONE, sealed(about))
        try:
            about = read_json(folder / _DONE)
            check_seal(about, folder / _DONE, "delete the piece")
            check_digests(folder, about.get("files", {}), "delete the piece")
            return Piece(folder, dict(about["notes"]))
        except (AttributeError, DataError, KeyError, TypeError, ValueError) as error:
            raise unreadable(folder) from error


def unreadable(folder: Path) -> RunError:
    """Return the error for a piece whose files cannot be read."""
    return RunError(f"{folder} holds a piece that cannot be read; delete it, and the same command makes it again")
