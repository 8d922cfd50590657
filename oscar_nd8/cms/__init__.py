"""Payments in Wagtail's admin, and what editors put on pages to sell."""
