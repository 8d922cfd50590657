"""Partners and stock, with prices in more than one currency."""
