"""A shopper with a browser of their own."""

from oscar_nd8.testing import ADDRESS, Shopper, make_countries, make_product, make_user

__all__ = ["ADDRESS", "Shopper", "make_countries", "make_product", "make_user"]
