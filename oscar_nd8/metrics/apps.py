"""The app that goes into INSTALLED_APPS of a shop with Prometheus."""

from importlib import import_module

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


class Nd8MetricsConfig(AppConfig):
    """`oscar_nd8.metrics`: counts what the signals tell, from the start of the process on."""

    name = "oscar_nd8.metrics"
    label = "nd8_metrics"
    verbose_name = _("ND8 metrics")

    def ready(self) -> None:
        try:
            import_module("prometheus_client")
        except ImportError as error:
            message = "oscar_nd8.metrics needs prometheus-client: pip install 'oscar-nd8[prometheus]'"
            raise ImproperlyConfigured(message) from error
        from oscar_nd8.metrics import exporter

        exporter.connect()
