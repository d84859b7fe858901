"""The plainest item encoder: one trained vector per item id."""

from __future__ import annotations

from torch import Tensor, nn


class IdTable(nn.Module):
    """A table of trained item vectors, an `ItemEncoder`.

    Parameters
    ----------
    n_items : int
        Number of items N.
    dim : int
        Width D of a vector.
    """

    def __init__(self, n_items: int, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_items + 1, dim, padding_idx=0)

    def table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D].

        Returns
        -------
        Tensor
            A view of the trained weight.
        """
        return self.embedding.weight[1:]

    def encode(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes; code 0 (padding) is the zero vector.

        Parameters
        ----------
        items : Tensor, int64, any shape
            Item codes 0..N.

        Returns
        -------
        Tensor, shape [*items.shape, D]
            Vectors.
        """
        vectors: Tensor = self.embedding(items)
        return vectors
