"""Weights in torch's file format of before version 1.6, read without unpickling: opcodes are looked at, never run."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.errors import DataError

_KINDS: dict[str, str] = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PLAIN = {"NONE": None, "NEWFALSE": False, "NEWTRUE": True, "EMPTY_DICT": (), "EMPTY_LIST": (), "EMPTY_TUPLE": ()}
_HEAD = 3
"""Pickles before the one that names the tensors: a magic number, the version and the sizes of types."""


def read_legacy_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a state dictionary by name.

    Such a file is five pickles, then all storages in the order of the fifth, each behind its number of elements. The fourth holds
    the names, and for each the storage, the offset, the shape and the strides. Here its opcodes are followed on a stack of plain
    values, no object is made of them, and what is not of this layout is refused.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    DataError
        If the file is not of this layout.
    """
    with path.open("rb") as file:
        try:
            for _ in range(_HEAD):
                list(pickletools.genops(file))
            named = list(_tensors(_stacked(file)))
            storages = {}
            kinds = {one[1]: one[2] for one in named}
            for key in _stacked(file)[0]:
                count = int.from_bytes(file.read(8), "little")
                storages[key] = np.frombuffer(file.read(count * kinds[key].itemsize), kinds[key], count)
            found = {}
            for name, key, kind, offset, shape, strides in named:
                last = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
                if min(offset, *strides, 0) < 0 or last >= len(storages[key]):
                    raise ValueError(f"the tensor {name} reaches out of its storage")
                steps = [kind.itemsize * step for step in strides]
                found[name] = np.lib.stride_tricks.as_strided(storages[key][offset:], shape, steps, writeable=False).copy()
        except (EOFError, IndexError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} holds no weights in torch's old format; fetch them again") from error
    return found


def _stacked(file: Any) -> list[Any]:
    """Follow a pickle's opcodes on a stack of plain values; a call is the tuple of its name and its arguments."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    marks: list[int] = []
    for code, argument, _ in pickletools.genops(file):
        name = code.name
        if name in ("BINUNICODE", "BININT", "BININT1", "BININT2", "GLOBAL"):
            stack.append(argument)
        elif name in _PLAIN:
            stack.append(_PLAIN[name])
        elif name == "MARK":
            marks.append(len(stack))
        elif name in ("TUPLE", "APPENDS", "SETITEMS"):
            at = marks.pop()
            items = tuple(stack[at:])
            del stack[at:]
            stack[len(stack) - (name != "TUPLE") :] = [items if name == "TUPLE" else (*stack[-1], *items)]
        elif name == "SETITEM":
            stack[-3:] = [(*stack[-3], *stack[-2:])]
        elif name == "BUILD":
            stack.pop()
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
        elif name == "REDUCE":
            arguments, what = stack.pop(), stack.pop()
            stack.append((what, arguments) if arguments else ())
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[int(argument or 0)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[int(argument or 0)])
        elif name not in ("PROTO", "STOP", "BINPERSID"):
            raise ValueError(f"the opcode {name} is not expected")
    return stack


def _tensors(stack: list[Any]) -> Iterator[tuple[str, str, np.dtype[Any], int, tuple[int, ...], tuple[int, ...]]]:
    """Yield name, storage, its type, offset, shape and strides of each tensor."""
    entries = stack[0]
    for name, (what, (storage, offset, shape, strides, *_)) in zip(entries[::2], entries[1::2], strict=True):
        if what != "torch._utils _rebuild_tensor_v2":
            raise ValueError(f"{name} is no tensor")
        yield name, storage[2], np.dtype(_KINDS[storage[1]]), offset, shape, strides
