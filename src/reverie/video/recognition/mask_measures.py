"""What mixing masks look like on clips of a task: area, entropy, share on the object."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from reverie.nn.averaging import as_teacher
from reverie.seeds import numpy_generator, torch_generator
from reverie.video.recognition.batches import ClipBatches
from reverie.video.recognition.learner import Learner


def measure_masks(learner: Learner, source: ClipBatches, clips: int, seed: int) -> Mapping[str, float]:
    return {}
