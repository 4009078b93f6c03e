"""A small 3D U-Net with instance normalisation, and attention gates on its skip connections as an option."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["AttentionGate", "UNet3D"]

_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class _Conv3d(nn.Conv3d):
    """
    The same convolution by oneDNN whenever it is there.

    PyTorch leaves small inputs, and all inputs on one thread, to a convolution of its own that is up to eight times slower.
    """

    def forward(self, input: Tensor) -> Tensor:
        if torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or not _ONEDNN or input.is_cuda:
            return super().forward(input)
        return cast(
            Tensor,
            torch.ops.aten.mkldnn_convolution(
                input, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
            ),
        )


class _InstanceNorm3d(nn.InstanceNorm3d):
    """For one image the norm over a batch is the same, and reads voxels whose channels lie side by side without copying them."""

    def forward(self, input: Tensor) -> Tensor:
        if torch.is_grad_enabled() or len(input) > 1:
            return super().forward(input)
        return F.batch_norm(input, None, None, self.weight, self.bias, True, 0.0, self.eps)


def _block(n_in: int, n_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in (n_in, n_out):
        layers += [
            _Conv3d(n, n_out, 3, padding=1, bias=False),
            _InstanceNorm3d(n_out, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
        ]
    return nn.Sequential(*layers)


class AttentionGate(nn.Module):
    """
    Weighs a skip connection voxel by voxel with what the level below has understood.

    Source: Oktay 2018, Attention U-Net, additive gate; the gate's signal is taken after upsampling, so that no
    resampling is needed inside.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(channels // 2, 4)
        self.skip = nn.Conv3d(channels, inner, 1, bias=False)
        self.gate = nn.Conv3d(channels, inner, 1)
        self.weight = nn.Conv3d(inner, 1, 1)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """``skip`` (n, c, z, y, x) times a weight between 0 and 1 per voxel."""
        inner = F.relu(self.skip(skip) + self.gate(gate))
        return skip * torch.sigmoid(self.weight(inner))


class UNet3D(nn.Module):
    """
    Encoder and decoder with one block of two 3x3x3 convolutions per level.

    Parameters
    ----------
    in_channels, classes : int
        Input channels, output classes (logits).
    widths : tuple of int
        Channels per level; each level halves the resolution. Multiples of 16 run fastest on a CPU.
    attention : bool
        Gate the skip connections.

    Notes
    -----
    Every side of the input must be a multiple of :attr:`multiple`.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        classes: int,
        widths: tuple[int, ...] = (16, 32, 64, 96),
        attention: bool = False,
    ) -> None:
        super().__init__()
        self.multiple = 2 ** (len(widths) - 1)
        inputs = (in_channels, *widths[:-1])
        steps = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.down = nn.ModuleList(_block(a, b) for a, b in zip(inputs, widths, strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose3d(a, b, 2, 2) for a, b in steps)
        self.join = nn.ModuleList(_block(2 * b, b) for _, b in steps)
        self.gates = nn.ModuleList(AttentionGate(b) for _, b in steps) if attention else None
        self.head = nn.Conv3d(widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes, z, y, x) of an image (n, in_channels, z, y, x)."""
        skips = []
        for level, layer in enumerate(self.down):
            x = layer(F.max_pool3d(x, 2) if level else x)
            skips.append(x)
        for k, (up, join) in enumerate(zip(self.up, self.join, strict=True)):
            x = up(x)
            skip = skips[-2 - k]
            if self.gates is not None:
                skip = self.gates[k](skip, x)
            x = join(torch.cat([x, skip], 1))
        return cast(Tensor, self.head(x))
