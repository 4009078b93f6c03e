"""The U-Net and how it reads a volume piece by piece."""

import numpy as np
import pytest
import torch

from osteon.core.errors import ShapeError
from osteon.models.nets.patchwise import on_threads, patchwise
from osteon.models.nets.unet3d import AttentionGate, UNet3D


@pytest.mark.parametrize("attention", [False, True])
def test_logits_have_the_input_s_shape(attention):
    net = UNet3D(in_channels=2, classes=5, widths=(8, 8, 16), attention=attention)
    with torch.inference_mode():
        assert net(torch.zeros(1, 2, 8, 12, 16)).shape == (1, 5, 8, 12, 16)
    assert net.multiple == 4


def test_a_gate_only_takes_away():
    gate = AttentionGate(8)
    skip, signal = torch.rand(1, 8, 4, 4, 4), torch.rand(1, 8, 4, 4, 4)
    with torch.inference_mode():
        out = gate(skip, signal)
    assert bool(((out >= 0) & (out <= skip)).all())


class Local(torch.nn.Module):
    """Looks at one voxel alone: windows must not be seen in what it says."""

    multiple = 4

    def forward(self, x):
        return torch.cat([x, -x], 1)


@pytest.mark.parametrize("shape", [(7, 9, 21), (16, 16, 16), (30, 17, 5)])
def test_windows_leave_no_trace(shape):
    image = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    p = patchwise(Local(), image, window=(8, 12, 16), overlap=0.4)
    assert p.shape == (2, *shape)
    np.testing.assert_allclose(p[0], 1 / (1 + np.exp(-2 * image[0])), atol=1e-6)
    np.testing.assert_allclose(p.sum(0), 1, atol=1e-5)


def test_a_window_that_cannot_be_halved_is_refused():
    with pytest.raises(ShapeError, match="multiples of 4"):
        patchwise(Local(), np.zeros((1, 8, 8, 8), np.float32), window=(8, 8, 6))
    with pytest.raises(ShapeError, match="axes"):
        patchwise(Local(), np.zeros((8, 8, 8), np.float32), window=(8, 8, 8))


def test_threads_are_given_back(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with on_threads():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("threads", [1, 2])
def test_the_way_of_reading_says_what_the_way_of_training_says(threads):
    torch.manual_seed(3)
    net = UNet3D(in_channels=2, classes=3, widths=(16, 32)).eval()
    image = torch.randn(1, 2, 16, 24, 32)
    trained = net(image).detach()  # with gradients: PyTorch's own convolution and norm
    reader = net.to(memory_format=torch.channels_last_3d)
    with on_threads(threads), torch.inference_mode():
        read = reader(image.to(memory_format=torch.channels_last_3d))
    torch.testing.assert_close(read, trained, atol=2e-3, rtol=0)


def test_several_images_are_normed_each_by_itself():
    net = UNet3D(in_channels=1, classes=2, widths=(8, 16)).eval()
    images = torch.randn(2, 1, 8, 8, 8) * torch.tensor([1.0, 50.0]).view(2, 1, 1, 1, 1)
    with torch.inference_mode():
        torch.testing.assert_close(
            net(images), torch.cat([net(images[:1]), net(images[1:])]), atol=2e-3, rtol=0
        )


def test_the_number_of_threads_changes_nothing_where_windows_are_read_side_by_side():
    torch.manual_seed(4)
    net = UNet3D(in_channels=1, classes=2, widths=(8, 16))
    image = np.random.default_rng(1).normal(size=(1, 24, 16, 40)).astype(np.float32)
    one, two = (patchwise(net, image, window=(16, 16, 16), threads=k) for k in (1, 2))
    np.testing.assert_array_equal(one, two)
