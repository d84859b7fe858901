from reverie.video.moving_shapes.config import MOTIONS as MOTIONS, MovingShapesConfig as MovingShapesConfig
from reverie.video.moving_shapes.generate import MovingClips as MovingClips, generate_moving_shapes as generate_moving_shapes
