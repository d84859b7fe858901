from reverie.video.networks.config import PUBLISHED as PUBLISHED
from reverie.video.networks.create import NETWORKS as NETWORKS, create_network as create_network
from reverie.video.networks.features import HookedNetwork as HookedNetwork
from reverie.video.networks.network import ClipNetwork as ClipNetwork
from reverie.video.networks.saved import load_network as load_network, read_saved as read_saved, save_network as save_network
