"""
osteon: bone and spine health, from rows and images to findings, risks, plans and publishable studies.

Research and evaluation software, not a medical device.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
