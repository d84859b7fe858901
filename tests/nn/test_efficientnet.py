"""EfficientNet-lite0: padding, folded normalisations, and the names of its weights."""

import torch

from reverie.nn.efficientnet import EfficientNetLite0, SameConv, _name_there, fused


def test_padding_keeps_the_size_over_the_stride_and_puts_the_rest_right_and_below() -> None:
    conv = SameConv(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    found = conv(torch.ones(1, 1, 4, 5))
    assert found.shape == (1, 1, 2, 3)
    assert found[0, 0].tolist() == [[6, 9, 6], [4, 6, 4]]


def test_folding_normalisations_keeps_the_features() -> None:
    torch.manual_seed(0)
    network = EfficientNetLite0().eval()
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 2.0)
            torch.nn.init.uniform_(part.weight, 0.5, 2.0)
    pictures = torch.rand(2, 3, 40, 40)
    with torch.no_grad():
        before = network(pictures)
        after = fused(network)(pictures)
    assert before.shape == (2, 1280, 2, 2)
    assert before.std() > 0
    assert torch.allclose(before, after, atol=1e-4)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())


def test_every_parameter_of_the_network_has_a_name_of_its_own_there() -> None:
    own = list(EfficientNetLite0().state_dict())
    there = {_name_there(name) for name in own}
    assert len(there) == len(own)
    assert {
        "_conv_stem.weight",
        "_bn0.running_mean",
        "_bn1.bias",
        "_blocks.15._project_conv.weight",
        "_blocks.0._bn1.weight",
    } <= there
