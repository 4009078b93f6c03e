"""What a reconstruction kernel does to edges, from its name."""

from __future__ import annotations

import re

__all__ = ["kernel_class"]


def kernel_class(kernel: str) -> str:
    """
    "soft", "sharp" (bone, lung, edge) or "unknown", from the names the makers give their kernels.

    Examples
    --------
    >>> [kernel_class(k) for k in ("B30f", "Br64d", "STANDARD", "BONEPLUS", "FC08", "FC30", "YD", "")]
    ['soft', 'sharp', 'soft', 'sharp', 'soft', 'sharp', 'sharp', 'unknown']
    """
    name = kernel.upper().split("\\")[0].strip()
    if found := re.fullmatch(
        r"(?:[BHIJQTDU][A-Z]{0,2})(\d\d)[A-Z]?(?:[ \d]*)", name
    ):  # Siemens: two digits of sharpness
        return "sharp" if int(found[1]) >= 50 else "soft"
    if found := re.fullmatch(r"FC(\d\d).*", name):  # Canon: 0x-2x body, 3x bone, 5x-8x lung and fine
        return "soft" if int(found[1]) < 30 or 40 <= int(found[1]) < 50 else "sharp"
    if re.search(r"BONE|LUNG|EDGE|SHARP|DETAIL|ULTRA|^(D|E|L|YA|YB|YC|YD)$", name):
        return "sharp"
    return "soft" if re.search(r"SOFT|STAND|SMOOTH|BODY|CHST|^(A|B|C|F|I)$", name) else "unknown"
