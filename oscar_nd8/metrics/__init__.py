"""A page for Prometheus: an app of its own, for shops that install the extra `prometheus`."""
