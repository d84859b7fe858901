"""What is compared: recipes, and for each the seeds and the ways its trained vectors are ranked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dreamrec_page.regression import STRENGTHS
from reverie.training.plan import recipes_for
from reverie.training.recipe import Recipe, change_recipe, load_recipe

SEEDS = (0, 1, 2)
"""Seeds of the rows that claims rest on; the others have the first one."""


@dataclass(frozen=True)
class System:
    """One recipe.

    Parameters
    ----------
    key : str
        Short name; rows of the table are called by it.
    recipe : Recipe
        Dataset, model and training.
    build : str
        Key of `dreamrec_page.controls.BUILDS`, ``"ridge-trained"``, ``"ridge-random"`` or ``"new-items"`` for a model that
        only this page has; empty for a registered one.
    seeds : tuple of int
        Seeds.
    views : tuple of str
        Keys of `dreamrec_page.runs.VIEWS`: further rankings by the same weights.
    """

    key: str
    recipe: Recipe
    build: str = ""
    seeds: tuple[int, ...] = SEEDS[:1]
    views: tuple[str, ...] = ()


RATES = ("0.001", "0.01")
"""Learning rates of the encoder alone, of which validation chooses: the published one was found for another loss."""
VIEWS = ("500-steps", "exact-draw", "nearest", "trained-items")
"""Rankings by DreamRec's weights beside the exact mean, see `dreamrec_page.runs`."""
VARIANTS = {
    "mlp2": ["model.denoiser=mlp2", "model.sampler={kind: ddim, steps: 20}"],
    "zero-terminal": ["model.zero_terminal=true"],
    "lr-0.001": ["training.learning_rate=0.001"],
    "detach-target": ["model.detach_target=true"],
}
"""Options that address faults of the published model, one at a time, as settings of the recipe."""


def systems(base: Recipe | None = None, sasrec: Recipe | None = None) -> list[System]:
    """Return all systems in the order in which they are run: what others need comes first.

    Parameters
    ----------
    base, sasrec : Recipe or None
        In place of ``dreamrec-zhihu`` and ``sasrec-zhihu``.

    Returns
    -------
    list of System
        The first one is the published model.
    """
    base = base or load_recipe("dreamrec-zhihu")

    def changed(key: str, settings: list[str]) -> Recipe:
        return change_recipe(base, [f"name={base.name}-{key}", "description=''", *settings])

    def own(key: str, *settings: str, seeds: tuple[int, ...] = SEEDS[:1]) -> System:
        return System(key, changed(key, list(settings)), key, seeds)

    counting = recipes_for(
        base.dataset.model_dump(exclude_defaults=True),
        base.split.model_dump(mode="json"),
        ["popularity", "recent-popularity", "markov", "co-occurrence"],
        base.dataset.name,
    )
    found = [System("dreamrec", base, seeds=SEEDS, views=VIEWS)]
    found += [System(recipe.model_name, recipe) for recipe in counting]
    found += [System("sasrec", sasrec or load_recipe("sasrec-zhihu"), seeds=SEEDS)]
    found += [page_model(base, "new-items", SEEDS[:1])]
    found += [ridge(base, "ridge-trained"), ridge(base, "ridge-random")]
    found += [own("noise-off", seeds=SEEDS), own("frozen-table")]
    found += [System(key, changed(key, settings)) for key, settings in VARIANTS.items()]
    for rate in RATES:
        recipe = changed(f"encoder-lr-{rate}", [f"training.learning_rate={rate}"])
        found.append(System(f"encoder-lr-{rate}", recipe.model_copy(update={"trials": len(RATES)}), "encoder-alone"))
    return found


def ridge(base: Recipe, key: str) -> System:
    """Return a linear regression; it learns from what the base recipe learns from and reads as long histories.

    Parameters
    ----------
    base : Recipe
        Of DreamRec.
    key : str
        ``"ridge-trained"`` for its item table, ``"ridge-random"`` for normal numbers.

    Returns
    -------
    System
        With one seed for each of the base's.
    """
    found = page_model(base, key, SEEDS, history=base.model_options.get("history", 10))
    return replace(found, recipe=found.recipe.model_copy(update={"trials": len(STRENGTHS)}))


def page_model(base: Recipe, key: str, seeds: tuple[int, ...], **options: object) -> System:
    """Return a model that is neither registered nor made of DreamRec's parts, under the base's protocol.

    Parameters
    ----------
    base : Recipe
        Of DreamRec.
    key : str
        Its name.
    seeds : tuple of int
        Seeds.
    **options
        Of the model.

    Returns
    -------
    System
        The model.
    """
    changes = {"name": f"{base.name}-{key}", "description": "", "model": {"name": key, **options}}
    return System(key, base.model_copy(update=changes), key, seeds)
