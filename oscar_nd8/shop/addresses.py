"""Where our own pages are, under whichever of the two ways the shop mounted them."""

from django.urls import NoReverseMatch, Resolver404, resolve, reverse

__all__ = ["address_of", "leads_to"]

# By hand (`include("oscar_nd8.urls")`), or with the checkout app's own URLs.
NAMESPACES = ("nd8", "checkout:nd8")


def address_of(name: str, **kwargs: object) -> str:
    """The path of one of our views; NoReverseMatch says which line is missing in the shop's urls.py."""
    for namespace in NAMESPACES:
        try:
            return reverse(f"{namespace}:{name}", kwargs=kwargs)
        except NoReverseMatch:
            continue
    raise NoReverseMatch(
        f"The page nd8:{name} is not mounted: add path('nd8/', include('oscar_nd8.urls')) to the shop's urls.py."
    )


def leads_to(path: str, name: str) -> bool:
    """Whether `path` is that of one of our views; a shop can have it under more than one address."""
    try:
        found = resolve(path)
    except Resolver404:
        return False
    return found.url_name == name and found.namespace in NAMESPACES
