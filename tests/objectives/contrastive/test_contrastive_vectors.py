"""Losses of vectors: who is a negative of whom, chunks, reductions, precision, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from reverie.objectives import (
    Adversarial,
    adnce,
    bsl,
    contrast,
    dcl,
    dclw,
    debiased,
    gaussian,
    hcl,
    info_nce,
    nt_xent,
    rince,
    sampled_softmax,
    shuffled,
)

ADNCE = {v: partial(adnce, variant=v, mu=0.7, sigma=0.5) for v in ("image", "sentence", "graph", "reweight_only")}
LOSSES: dict[str, Callable[..., Tensor]] = {
    "info_nce": sampled_softmax,
    "gaussian": partial(sampled_softmax, log_weight=gaussian(0.2, 0.3)),
    "dcl": dcl,
    "dclw": dclw,
    "hcl": hcl,
    "debiased": debiased,
    "bsl": partial(bsl, form="reweight", ratio=1.2),
    "multi": partial(bsl, form="multi", users=torch.tensor([0, 1, 1, 0, 2, 2])),
    "rince": rince,
    "image": ADNCE["image"],
    "sentence": ADNCE["sentence"],
    "graph": ADNCE["graph"],
}


class Largest(TorchDispatchMode):
    """Remembers the most elements of any tensor that an operation returned."""

    size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else [out]:
            if isinstance(one, Tensor):
                self.size = max(self.size, one.numel())
        return out


def leaf(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + 1000 * shape[0] + shape[-1])
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def by_scores(
    loss: Callable[..., Tensor], query: Tensor, key: Tensor, keys: Tensor, hidden: Tensor, temperature: float | Tensor = 0.2
) -> Tensor:
    """The same loss of a matrix of scores that is made here; it is checked against loops elsewhere."""
    scores = torch.stack(
        [torch.stack([(unit(q) * unit(k)).sum() for k in (keys[i] if keys.dim() == 3 else keys)]) for i, q in enumerate(query)]
    )
    return loss((unit(query) * unit(key)).sum(1), scores.masked_fill(hidden, -math.inf), temperature=temperature)


def same(ours: Tensor, naive: Tensor, inputs: list[Tensor]) -> None:
    torch.testing.assert_close(ours, naive)
    incoming = torch.rand_like(ours)
    wanted = torch.autograd.grad(naive, inputs, incoming, retain_graph=True)
    for got, one in zip(torch.autograd.grad(ours, inputs, incoming, retain_graph=True), wanted, strict=True):
        torch.testing.assert_close(got, one)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("chunk", [None, 1, 4, 6, 50])
def test_others_in_the_batch_are_negatives_chunked_or_not(name: str, chunk: int | None) -> None:
    query, key = leaf(6, 4), leaf(6, 4, seed=1)
    temperature = torch.rand(6, 1, dtype=torch.float64).add(0.2).requires_grad_()
    ours = contrast(LOSSES[name], query, key, None, temperature, "none", chunk=chunk)
    naive = by_scores(LOSSES[name], query, key, key, torch.eye(6, dtype=torch.bool), temperature)
    same(ours, naive, [query, key, temperature])


@settings(max_examples=25, deadline=None)
@given(
    m=st.integers(1, 5),
    k=st.integers(2, 7),
    d=st.integers(1, 4),
    chunk=st.sampled_from([None, 1, 3, 100]),
    temperature=st.sampled_from([0.01, 0.1, 2.0]),
    hide=st.sampled_from(["nothing", "labels", "mask", "both"]),
    name=st.sampled_from(["info_nce", "gaussian", "hcl", "sentence", "graph"]),
)
def test_given_negatives_with_labels_and_masks(
    m: int, k: int, d: int, chunk: int | None, temperature: float, hide: str, name: str
) -> None:
    query, key, keys = leaf(m, d), leaf(m, d, seed=1), leaf(k, d, seed=2)
    labels, key_labels = torch.arange(m) % 3, torch.arange(k) % 4
    key_labels[0] = 9
    mask = torch.rand(m, k) < 0.4
    mask[:, 0] = False
    hidden = torch.zeros(m, k, dtype=torch.bool)
    options: dict[str, Any] = {}
    if hide in ("labels", "both"):
        options |= {"labels": labels, "negative_labels": key_labels}
        hidden |= labels[:, None] == key_labels
    if hide in ("mask", "both"):
        options |= {"mask": mask}
        hidden |= mask
    ours = contrast(LOSSES[name], query, key, keys, temperature, "none", chunk=chunk, **options)
    same(ours, by_scores(LOSSES[name], query, key, keys, hidden, temperature), [query, key, keys])


@pytest.mark.parametrize("name", [*LOSSES, "reweight_only", "function"])
def test_paired_negatives(name: str) -> None:
    loss = (LOSSES | ADNCE | {"function": partial(sampled_softmax, log_weight=lambda f: -(f**2))})[name]
    query, key, keys = leaf(6, 3), leaf(6, 3, seed=1), leaf(6, 4, 3, seed=2)
    mask = torch.zeros(6, 4, dtype=torch.bool)
    mask[2, 1:] = mask[3, 2] = True
    key_labels = torch.arange(24).view(6, 4)
    labels = torch.tensor([0, 4, 99, 1, 1, 1])
    hidden = mask | (labels[:, None] == key_labels)
    ours = contrast(loss, query, key, keys, 0.2, "none", "paired", labels=labels, negative_labels=key_labels, mask=mask)
    same(ours, by_scores(loss, query, key, keys, hidden), [query, key, keys])


def test_weights_that_need_all_scores() -> None:
    query, key, logits = leaf(5, 3), leaf(5, 3, seed=1), leaf(5, 5, seed=2)
    own = torch.eye(5, dtype=torch.bool)
    for weight in (Adversarial(logits), logits, lambda f: f * 2):
        ours = info_nce(query, key, None, 0.2, "none", log_weight=weight)
        naive = by_scores(partial(sampled_softmax, log_weight=weight), query, key, key, own)
        same(ours, naive, [query, key] if not isinstance(weight, Tensor | Adversarial) else [query, key, logits])
        with pytest.raises(ValueError, match=r"^chunk must be None, got 2: "):
            info_nce(query, key, log_weight=weight, chunk=2)
    only = contrast(ADNCE["reweight_only"], query, key, None, 0.2, "none")
    same(only, by_scores(ADNCE["reweight_only"], query, key, key, own), [query, key])
    control = contrast(shuffled(ADNCE["graph"]), query, key, None, 0.2, "none")
    assert not torch.allclose(control, contrast(ADNCE["graph"], query, key, None, 0.2, "none"))


@pytest.mark.parametrize("chunk", [None, 2])
def test_labels_and_masks_of_the_batch(chunk: int | None) -> None:
    query, key = leaf(6, 3), leaf(6, 3, seed=1)
    labels, mask = torch.tensor([0, 1, 0, 2, 2, 3]), torch.rand(6, 6) < 0.3
    mask[:, 5] = False
    mask[5, 0] = False
    hidden = (labels[:, None] == labels) | mask | torch.eye(6, dtype=torch.bool)
    ours = info_nce(query, key, None, 0.2, "none", labels=labels, mask=mask, chunk=chunk)
    same(ours, by_scores(sampled_softmax, query, key, key, hidden), [query, key])
    masked = info_nce(query, key, None, 0.2, "none", mask=mask, chunk=chunk)
    same(masked, by_scores(sampled_softmax, query, key, key, mask | torch.eye(6, dtype=torch.bool)), [query, key])


@pytest.mark.parametrize("chunk", [None, 2])
def test_symmetric_is_the_mean_of_both_directions(chunk: int | None) -> None:
    query, key, mask = leaf(4, 3), leaf(4, 3, seed=1), torch.zeros(4, 4, dtype=torch.bool)
    mask[0, 1] = mask[2, 3] = True
    ours = info_nce(query, key, None, 0.2, "none", symmetric=True, mask=mask, chunk=chunk)
    there = info_nce(query, key, None, 0.2, "none", mask=mask)
    back = info_nce(key, query, None, 0.2, "none", mask=mask.T)
    same(ours, (there + back) / 2, [query, key])
    assert not torch.allclose(there, back)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("loss", [sampled_softmax, ADNCE["image"]])
def test_two_views(loss: Callable[..., Tensor], labelled: bool) -> None:
    first, second = leaf(4, 3), leaf(4, 3, seed=1)
    labels = torch.tensor([0, 1, 0, 2])
    views, own = torch.cat([first, second]), (labels if labelled else torch.arange(4)).repeat(2)
    naive = by_scores(loss, views, torch.cat([second, first]), views, own[:, None] == own)
    same(nt_xent(first, second, 0.2, "none", loss=loss, labels=labels if labelled else None, chunk=3), naive, [first, second])
    assert naive.shape == (8,)


def test_reductions() -> None:
    query, key = leaf(5, 3), leaf(5, 3, seed=1)
    each = info_nce(query, key, reduction="none")
    assert each.shape == (5,)
    torch.testing.assert_close(info_nce(query, key), each.mean())
    torch.testing.assert_close(info_nce(query, key, reduction="sum"), each.sum())
    scores = unit(query) @ unit(key).T / 0.1
    torch.testing.assert_close(info_nce(query, key), torch.nn.functional.cross_entropy(scores, torch.arange(5)))


def test_length_does_not_matter() -> None:
    query, key, keys = leaf(4, 3), leaf(4, 3, seed=1), leaf(5, 3, seed=2)
    torch.testing.assert_close(info_nce(query * 7, key * 0.01, keys * 3), info_nce(query, key, keys))


def test_no_negatives_at_all_is_a_loss_of_0() -> None:
    query, key = leaf(3, 2), leaf(3, 2, seed=1)
    for keys, mode in ((torch.zeros(0, 2), "unpaired"), (torch.zeros(3, 0, 2), "paired")):
        loss = contrast(dcl, query, key, keys, 0.1, "none", mode)
        assert loss.tolist() == [0, 0, 0]
        assert all((g == 0).all() for g in torch.autograd.grad(loss.sum(), [query, key]))
    assert info_nce(query[:1], key[:1], torch.zeros(0, 2)).tolist() == 0


@pytest.mark.parametrize("name", ["info_nce", "graph", "hcl"])
@pytest.mark.parametrize("chunk", [None, 3])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_loses_nothing_but_what_the_input_lost(name: str, chunk: int | None, dtype: torch.dtype) -> None:
    query, key = leaf(8, 16).detach().to(dtype).requires_grad_(), leaf(8, 16, seed=1).detach().to(dtype).requires_grad_()
    exact_query, exact_key = query.detach().double().requires_grad_(), key.detach().double().requires_grad_()
    exact = contrast(LOSSES[name], exact_query, exact_key, None, 0.01, chunk=chunk)
    with torch.autocast("cpu", dtype):
        loss = contrast(LOSSES[name], query, key, None, 0.01, chunk=chunk)
        loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    for got, wanted in zip((query.grad, key.grad), torch.autograd.grad(exact, [exact_query, exact_key]), strict=True):
        assert got is not None
        assert got.dtype == dtype
        assert float((got.double() - wanted).norm() / wanted.norm()) < 0.01


@pytest.mark.parametrize("chunk", [None, 2])
def test_the_same_and_opposite_vectors_at_a_low_temperature(chunk: int | None) -> None:
    query = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1e-30]], requires_grad=True)
    key = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]], requires_grad=True)
    loss = info_nce(query, key, None, 0.01, "none", chunk=chunk)
    assert loss.tolist() == pytest.approx([0, 200, math.log(2), math.log(4)], abs=1e-4)
    assert all(g.isfinite().all() for g in torch.autograd.grad(loss.sum(), [query, key]))


@pytest.mark.parametrize("loss", [sampled_softmax, ADNCE["image"], ADNCE["sentence"], hcl])
@pytest.mark.parametrize("labelled", [False, True])
def test_chunks_never_hold_all_scores(loss: Callable[..., Tensor], labelled: bool) -> None:
    m, d, chunk = 200, 4, 40
    query, key = torch.randn(m, d, requires_grad=True), torch.randn(m, d, requires_grad=True)
    with Largest() as largest:
        contrast(loss, query, key, None, 0.2, chunk=chunk, labels=torch.arange(m) // 2 if labelled else None).backward()
    assert largest.size == m * chunk


V, KEYS = torch.ones(3, 2), torch.ones(4, 2)
NAN = torch.tensor([[1.0, math.nan], [1, 1], [1, 1]])


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (r"query must have shape \[M, D\] .* got \[2\]", lambda: info_nce(V[0], V[0])),
        (r"query must have shape \[M, D\] .* got \[0, 2\]", lambda: info_nce(V[:0], V[:0])),
        (r"query must have at least 2 rows where negative_keys is None, got shape \[1, 2\]", lambda: info_nce(V[:1], V[:1])),
        (r"positive_key must have the shape \[3, 2\] of query, got \[4, 2\]", lambda: info_nce(V, KEYS)),
        (
            r"negative_keys must have shape \[K, 2\] where negative_mode is 'unpaired', got \[4, 3\]",
            lambda: info_nce(V, V, torch.ones(4, 3)),
        ),
        (r"negative_keys must have shape \[K, 2\] .* got \[3, 4, 2\]", lambda: info_nce(V, V, torch.ones(3, 4, 2))),
        (
            r"negative_keys must have shape \[3, K, 2\] where negative_mode is 'paired', got \[4, 2\]",
            lambda: info_nce(V, V, KEYS, negative_mode="paired"),
        ),
        (
            r"negative_keys must have shape \[3, K, 2\] .* got \[2, 4, 2\]",
            lambda: info_nce(V, V, torch.ones(2, 4, 2), negative_mode="paired"),
        ),
        (r"negative_mode must be 'unpaired' or 'paired', got 'x'", lambda: info_nce(V, V, negative_mode="x")),
        (r"reduction must be 'mean', 'sum' or 'none', got 'x'", lambda: info_nce(V, V, reduction="x")),
        (r"temperature must be positive, got 0", lambda: info_nce(V, V, temperature=0)),
        (
            r"temperature must be a number or have shape \[3\] or \[3, 1\], got \[4\]",
            lambda: info_nce(V, V, temperature=torch.ones(4)),
        ),
        (r"chunk must be at least 1, got 0", lambda: info_nce(V, V, chunk=0)),
        (
            r"chunk must be None where negative_mode is 'paired', got 2",
            lambda: info_nce(V, V, torch.ones(3, 1, 2), negative_mode="paired", chunk=2),
        ),
        (r"query must be finite, .* shape \[3, 2\]", lambda: info_nce(NAN, V)),
        (r"positive_key must be finite, .* shape \[3, 2\]", lambda: info_nce(V, V / 0)),
        (r"negative_keys must be finite, .* shape \[3, 2\]", lambda: info_nce(V, V, NAN)),
        (r"symmetric needs negative_keys=None, .* \[4, 2\]", lambda: info_nce(V, V, KEYS, symmetric=True)),
        (r"gather needs negative_keys=None, .* \[4, 2\]", lambda: info_nce(V, V, KEYS, gather=True)),
        (r"labels must have shape \[3\], one per row of query, got \[4\]", lambda: info_nce(V, V, labels=torch.arange(4))),
        (r"labels needs negative_labels where negative_keys is given", lambda: info_nce(V, V, KEYS, labels=torch.arange(3))),
        (
            r"negative_labels needs labels where negative_keys is given",
            lambda: info_nce(V, V, KEYS, negative_labels=torch.arange(4)),
        ),
        (
            r"negative_labels needs negative_keys, .* \[3\]",
            lambda: info_nce(V, V, labels=torch.arange(3), negative_labels=torch.arange(3)),
        ),
        (
            r"negative_labels must have shape \[4\], .* got \[3\]",
            lambda: info_nce(V, V, KEYS, labels=torch.arange(3), negative_labels=torch.arange(3)),
        ),
        (
            r"mask must be bool of shape \[3, 3\], got torch.bool of shape \[3, 4\]",
            lambda: info_nce(V, V, mask=torch.ones(3, 4).bool()),
        ),
        (r"mask must be bool of shape \[3, 4\], got torch.float32", lambda: info_nce(V, V, KEYS, mask=torch.ones(3, 4))),
        (
            r"mask must leave each anchor a negative, but leave none to 1 of 3 anchors, the first in row 1",
            lambda: info_nce(V, V, mask=torch.tensor([[0, 0, 0], [1, 0, 1], [0, 0, 0]]).bool()),
        ),
        (r"labels must leave each anchor a negative, .* 3 of 3 anchors", lambda: info_nce(V, V, labels=torch.zeros(3))),
        (
            r"labels and mask must leave",
            lambda: info_nce(V, V, labels=torch.tensor([0, 0, 1]), mask=torch.tensor([[0, 0, 1]] * 3).bool()),
        ),
        (r"mask must leave", lambda: contrast(dcl, V, V, KEYS, mask=torch.ones(3, 4).bool(), chunk=2)),
        (r"mask must be square where symmetric .* \[3, 4\]", lambda: info_nce(V, V, symmetric=True, mask=torch.ones(3, 4).bool())),
        (r"log_weight must broadcast to \[3, 3\], got \[4\]", lambda: info_nce(V, V, log_weight=torch.ones(4))),
        (r"second must have the shape \[B, D\] of first, got \[3, 2\] and \[4, 2\]", lambda: nt_xent(V, KEYS)),
        (r"first must have at least 2 rows, got shape \[1, 2\]", lambda: nt_xent(V[:1], V[:1])),
        (r"labels must have shape \[3\], got \[4\]", lambda: nt_xent(V, V, labels=torch.arange(4))),
    ],
)
def test_errors_name_the_argument_and_the_shape(message: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


@pytest.mark.parametrize("temperature", [0.05, torch.linspace(0.1, 1.0, 6)], ids=["number", "per row"])
def test_few_and_many_scores_take_two_ways_to_one_value(temperature: float | torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured() -> tuple[torch.Tensor, ...]:
        vectors = [torch.randn(6, 4, generator=torch.Generator().manual_seed(seed)).requires_grad_() for seed in (1, 2)]
        loss = info_nce(*vectors, temperature=temperature, reduction="none")
        return loss, *torch.autograd.grad(loss.sum(), vectors)

    few = measured()
    monkeypatch.setattr("reverie.objectives.contrastive.vectors.FEW", 0)
    for one, other in zip(few, measured(), strict=True):
        torch.testing.assert_close(one, other)
