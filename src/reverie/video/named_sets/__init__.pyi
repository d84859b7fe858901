from reverie.video.named_sets.facts import NAMED as NAMED, SetFacts as SetFacts
from reverie.video.named_sets.opening import (
    OpenedSet as OpenedSet,
    open_clip_set as open_clip_set,
    open_named_set as open_named_set,
)
