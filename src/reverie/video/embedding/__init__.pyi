from reverie.video.embedding.encoders import ClipEncoder as ClipEncoder, find_encoder as find_encoder
from reverie.video.embedding.files import read_vectors as read_vectors
from reverie.video.embedding.run import Embedded as Embedded, EmbedOptions as EmbedOptions, embed_set as embed_set
