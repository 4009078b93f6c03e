"""From an image, or from what a network said about it, to labelled vertebrae."""
