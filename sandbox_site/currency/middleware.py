"""What happens when a basket in one currency meets a basket in the other at login."""

from typing import Any

from oscar.apps.basket import middleware

from sandbox_site.forks.partner.strategy import PerCurrency


class BasketMiddleware(middleware.BasketMiddleware):
    """Oscar's, except that a merged basket has one currency."""

    def merge_baskets(self, master: Any, slave: Any) -> None:
        """Merge as Oscar does, with the newcomer's lines in the currency of the basket that stays."""
        if master.currency and slave.currency and master.currency != slave.currency:
            _move_lines(slave, master)
        super().merge_baskets(master, slave)


def _move_lines(source: Any, target: Any) -> None:
    """Add the source's lines to the target in its currency, except those that are not sold in it."""
    target.strategy = PerCurrency(currency=target.currency)
    for line in source.all_lines():
        if target.strategy.fetch_for_product(line.product).price.exists:
            options = [{"option": chosen.option, "value": chosen.value} for chosen in line.attributes.all()]
            target.add_product(line.product, line.quantity, options)
    source.flush()
