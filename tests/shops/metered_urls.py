"""The sandbox with the page for Prometheus."""

from django.urls import include, path

from sandbox_site.urls import urlpatterns as of_the_shop

urlpatterns = [path("nd8/metrics/", include("oscar_nd8.metrics.urls")), *of_the_shop]
