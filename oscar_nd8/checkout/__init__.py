"""Door: the shopper's checkout and the way back from ND8."""
