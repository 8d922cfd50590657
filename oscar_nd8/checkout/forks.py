"""The views of a shop's own checkout, and whether they use our mixins.

The mixins are named and not imported: a start of the shop needs none of what they stand on.
"""

from itertools import takewhile

from oscar.core.loading import get_class

__all__ = ["DETAILS_MIXIN", "METHOD_MIXIN", "shop_view", "stands_before_oscar", "uses"]

DETAILS_MIXIN = "oscar_nd8.checkout.mixins.ND8PaymentDetailsMixin"
METHOD_MIXIN = "oscar_nd8.checkout.mixins.ND8PaymentMethodMixin"


def shop_view(name: str) -> type:
    """The shop's own view of this name in the checkout, its fork's where it has one."""
    view: type = get_class("checkout.views", name)
    return view


def uses(mixin: str, view: type) -> bool:
    """Whether `view` is made of `mixin`, wherever it stands."""
    return mixin in map(_path, view.__mro__)


def stands_before_oscar(mixin: str, view: type) -> bool:
    """Whether Python asks the mixin first: behind Oscar's class its methods are never reached."""
    asked_before_oscar = takewhile(lambda each: not each.__module__.startswith("oscar."), view.__mro__)
    return mixin in map(_path, asked_before_oscar)


def _path(each: type) -> str:
    return f"{each.__module__}.{each.__qualname__}"
