"""Neighbours of items on the page: lists beside each other, and pictures where there are some that may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reverie.content.pictures import Pictures
from reverie.content.recipe import ContentRecipe
from reverie.content.summary import Row, Summary
from reverie.report.page import Block, Example, Figure, Item, ItemList


def neighbour_blocks(summary: Summary, data: str) -> Iterator[Block]:
    """Yield for each shown item its nearest by clicks and by content, of the first recommender that has both."""
    sides = _sides(summary, data)
    if not sides:
        return
    vocabulary, pictures = summary.opened[data].split.vocabulary, Pictures(summary, data)
    clicks = summary.opened[data].split.train.item_counts()
    codes = {str(one): code for code, one in enumerate(vocabulary.items.to_list(), 1)}
    for item in next(iter(sides.values())):
        code = codes[item]
        note = f"{clicks[code]:,} events in training" if clicks[code] else "nobody clicked it in training"
        lists = [
            ItemList(name, [Item(vocabulary.title(codes[one]), pictures.truth(one)) for one in near[item]])
            for name, near in sides.items()
        ]
        title, truth = vocabulary.title(code), pictures.truth(item)
        yield Example(f"{title}{f' · {truth}' if truth else ''}", lists, note=note)
        rows = {name: [item, *near[item]] for name, near in sides.items()}
        if svg := pictures.rows(rows):
            yield Figure(title, f"Left: the item; then its nearest {', '.join(rows)}, from top to bottom.", svg)


def _sides(summary: Summary, data: str) -> dict[str, Mapping[str, Sequence[str]]]:
    """Return neighbours by what they are near by, of the first recommender that was trained with ids and with content."""
    recipe = summary.recipe
    for recommender in recipe.recommenders:
        mine = [row for row in summary.rows(data) if row.recommender == recommender and not row.drop and row.encoder]
        by_id = next((row for row in mine if recipe.encoders[row.encoder].set.get("kind") == "id"), None)
        by_content = next((row for row in mine if _is_content(recipe, row)), None)
        if by_id and by_content:
            named = {f"by content ({by_content.encoder})": by_content, f"by clicks ({by_id.encoder})": by_id}
            found = {name: summary.trained(row)[0].neighbours for name, row in named.items()}
            return found if all(found.values()) else {}
    return {}


def _is_content(recipe: ContentRecipe, row: Row) -> bool:
    """Whether an encoder reads content alone and is no control."""
    options = recipe.encoders[row.encoder].set
    parts = options.get("parts", [options])
    control = any(part.get("control", "none") != "none" or part.get("frames") == 1 for part in parts)
    return not control and all(part.get("kind", "id") != "id" for part in parts)
