"""The emulator as a test steers it."""

from oscar_nd8.testing import ND8, post_webhook

__all__ = ["ND8", "post_webhook"]
