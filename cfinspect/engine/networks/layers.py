"""Layers both networks share."""

from __future__ import annotations

from torch import Tensor, nn


class Patches(nn.Module):
    """Move patches of ``side`` pixels into channels: (n, c, H, W) -> (n, c side^2, H/side, W/side).

    With a 1x1 convolution behind it this is a strided convolution whose backward pass is three to
    six times as fast on a CPU in bf16, and it keeps channels_last (torch's own pixel_unshuffle
    does not).
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        n, c, height, width = x.shape
        side = self.side
        y = x.permute(0, 2, 3, 1).reshape(n, height // side, side, width // side, side, c)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(n, height // side, width // side, side * side * c)
        return y.permute(0, 3, 1, 2)


class Unpatches(nn.Module):
    """The inverse of Patches: (n, c side^2, h, w) -> (n, c, h side, w side), channels_last."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        n, c, height, width = x.shape
        side = self.side
        y = x.permute(0, 2, 3, 1).reshape(n, height, width, side, side, c // side**2)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(n, height * side, width * side, c // side**2)
        return y.permute(0, 3, 1, 2)
