"""What Prometheus reaches: `path("nd8/metrics/", include("oscar_nd8.metrics.urls"))`."""

from django.urls import path

from oscar_nd8.metrics.views import metrics

app_name = "nd8_metrics"

urlpatterns = [path("", metrics, name="metrics")]
