"""Whether this process still calls the provider, without calling it."""

from django.utils.translation import gettext as _

from oscar_nd8.findings import Finding, Level, Subject
from oscar_nd8.gateway import get_gateway

__all__ = ["examine_calls"]


def examine_calls() -> Finding:
    """What the calls so far tell; each process of a shop has made calls of its own."""
    try:
        failures = get_gateway("nd8").failures()
    except ValueError as error:
        fact = _("No call to ND8 can be made: %(error)s") % {"error": error}
        return Finding(Subject.REACHABLE, Level.ERROR, fact, _("Correct settings.ND8; nd8_doctor examines them."))
    if not failures:
        return Finding(Subject.REACHABLE, Level.OK, _("Calls to ND8 go out as usual."))
    return Finding(
        Subject.REACHABLE,
        Level.WARNING,
        _("ND8 failed at %(failures)d calls in a row, so it is left alone for moments.") % {"failures": failures},
        _("Shoppers are told to try again later; what was paid is settled afterwards. Run nd8_doctor: it asks ND8."),
    )
