from reverie.video.augment.augmenting import augment_clips as augment_clips, centre_crop as centre_crop
from reverie.video.augment.config import AugmentConfig as AugmentConfig, RandAugmentConfig as RandAugmentConfig
from reverie.video.augment.operations import rand_augment as rand_augment
