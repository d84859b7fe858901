"""Weights in torch's old format, read without unpickling."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from reverie.errors import DataError
from reverie.imagery.matchers.efficientnet import EfficientNetLite0, SameConv, _name_there, fused
from reverie.imagery.matchers.legacy_weights import read_legacy_weights


def saved(path: Path, state: dict[str, torch.Tensor]) -> Path:
    torch.save(OrderedDict(state), path, _use_new_zipfile_serialization=False)
    return path


def test_tensors_come_back_whatever_their_strides(tmp_path: Path) -> None:
    table = torch.randn(6, 5)
    state = {
        "a.weight": torch.randn(4, 3, 2),
        "turned": table.T,
        "part": table[2:4],
        "count": torch.tensor(7),
        "b.bias": torch.randn(300),
    }
    found = read_legacy_weights(saved(tmp_path / "w.pth", state))
    assert found.keys() == state.keys()
    for name, value in state.items():
        assert torch.equal(torch.from_numpy(found[name]).reshape(value.shape), value), name


def test_a_networks_own_state_comes_back(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    found = read_legacy_weights(saved(tmp_path / "w.pth", network.state_dict()))
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        k: tuple(v.shape) for k, v in network.state_dict().items()
    }


@pytest.mark.parametrize("cut", [0, 10, 200, -40])
def test_other_files_are_refused(tmp_path: Path, cut: int) -> None:
    path = saved(tmp_path / "w.pth", {"a": torch.randn(50)})
    path.write_bytes(path.read_bytes()[:cut] if cut else b"GIF89a nothing of the kind")
    with pytest.raises(DataError, match="holds no weights in torch's old format; fetch them again"):
        read_legacy_weights(path)


class Call:
    """An object whose pickle would call a function."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("called",)


def test_nothing_is_ever_called(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"a": Call()}, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(DataError):
        read_legacy_weights(tmp_path / "w.pth")
    assert capsys.readouterr().out == ""


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
