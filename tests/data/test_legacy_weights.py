"""Weights in torch's old format, read without unpickling."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from reverie.data.sources.legacy_weights import read_legacy_weights
from reverie.errors import DataError


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
