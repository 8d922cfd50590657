"""Which stock record, and so which currency, a price comes from."""

from typing import Any

from django.http import HttpRequest
from oscar.apps.partner import strategy

from sandbox_site.currency.choice import currency_in_force


class PerCurrency(strategy.NoTax, strategy.StockRequired, strategy.Structured):
    """Prices per currency, no tax, and nothing sold that is not there."""

    def __init__(self, request: HttpRequest | None = None, *, currency: str | None = None) -> None:
        super().__init__(request)
        self._currency = currency

    def select_stockrecord(self, product: Any) -> Any:
        """The product's stock record in the shopper's currency, or None: then it cannot be bought in it."""
        currency = self._currency or currency_in_force(self.request)
        # Compared here and not in the database: the records may have been prefetched.
        return next((record for record in product.stockrecords.all() if record.price_currency == currency), None)

    def fetch_for_line(self, line: Any, stockrecord: Any = None) -> strategy.PurchaseInfo:
        """Price a line as it was added, so that a job without a request finds the shopper's currency too."""
        return self.fetch_for_product(line.product, stockrecord or line.stockrecord)


class Selector(strategy.Selector):
    """One strategy for everybody."""

    def strategy(  # type: ignore[override]  # the stubs promise Oscar's default instead of its base
        self, request: HttpRequest | None = None, user: Any = None, **kwargs: Any
    ) -> PerCurrency:
        """The strategy for this request, or for work in the background."""
        return PerCurrency(request)
