"""URLs of a shop that mounts everything behind a language prefix."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

urlpatterns = i18n_patterns(path("nd8/", include("oscar_nd8.urls")))
