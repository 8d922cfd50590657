"""Where our own pages are, under whichever of the ways the shop mounted them."""

from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from oscar_nd8.conf import is_debug

__all__ = ["absolute", "address_of", "dashboard_page", "leads_to", "matter_page"]

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


def absolute(domain: str, path: str) -> str:
    """`path` on the shop's `domain` where no request says how the shop is reached: by https, except in development."""
    return f"{'http' if is_debug() else 'https'}://{domain}{path}"


def leads_to(path: str, name: str) -> bool:
    """Whether `path` is that of one of our views; a shop can have it under more than one address."""
    try:
        found = resolve(path)
    except Resolver404:
        return False
    return found.url_name == name and found.namespace in NAMESPACES


def dashboard_page(name: str, *args: object) -> str:
    """The path of a page of our dashboard; "" where the shop does without."""
    return _reverse(f"nd8-dashboard:{name}", *args)


def matter_page(matter_id: int) -> str:
    """Where staff decide a matter: in Oscar's dashboard, else in Django's admin, else ""."""
    return dashboard_page("nd8-matter", matter_id) or _reverse("admin:oscar_nd8_attention_change", matter_id)


def _reverse(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
