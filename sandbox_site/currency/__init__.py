"""Buying in dollars or euros: the choice, its form, and baskets that must not mix the two."""
