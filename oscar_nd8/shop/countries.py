"""The countries that a shop knows, to choose from in a form that is not Oscar's."""

from oscar.core.loading import get_model

__all__ = ["country_choices"]


def country_choices() -> list[tuple[str, str]]:
    """Codes of two letters and names, in the shop's order; empty where nobody ran `oscar_populate_countries`."""
    return [(country.pk, str(country)) for country in get_model("address", "Country").objects.all()]
