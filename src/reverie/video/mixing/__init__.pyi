from reverie.video.mixing.audio import mix_log_mel as mix_log_mel
from reverie.video.mixing.blend import blend as blend
from reverie.video.mixing.create import MIXERS as MIXERS, create_mixer as create_mixer
from reverie.video.mixing.labels import (
    blend_labels as blend_labels,
    one_hot as one_hot,
    smooth as smooth,
    soft_cross_entropy as soft_cross_entropy,
)
from reverie.video.mixing.mixer import PairMixer as PairMixer, Pairs as Pairs
from reverie.video.mixing.statistics import MaskStatistics as MaskStatistics, mask_statistics as mask_statistics
from reverie.video.mixing.svmix.selector import Selector as Selector
from reverie.video.mixing.svmix.step import SvMix as SvMix
