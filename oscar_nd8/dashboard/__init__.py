"""Payments in Oscar's dashboard, for staff."""
