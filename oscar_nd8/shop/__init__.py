"""How Oscar keeps a shop: the only part besides the doors that names Oscar, translated for the services."""
