"""What shipping costs: two fixed prices, the same number in each currency."""

from decimal import Decimal

from oscar.apps.shipping import methods, repository


class Standard(methods.FixedPrice):
    """The slow way."""

    code = "standard"
    name = "Standard"
    description = "Three to five working days"
    charge_excl_tax = charge_incl_tax = Decimal("4.99")


class Express(methods.FixedPrice):
    """The fast way."""

    code = "express"
    name = "Express"
    description = "The next working day"
    charge_excl_tax = charge_incl_tax = Decimal("12.50")


class Repository(repository.Repository):
    """Standard is the default; baskets of digital goods get Oscar's "no shipping required"."""

    methods = (Standard(), Express())
