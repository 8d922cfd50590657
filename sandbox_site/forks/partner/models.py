"""Oscar's partner models, unchanged: Oscar declares them under the label that this app has."""

from oscar.apps.partner.models import *  # noqa: F403  # Oscar's documented way to keep its models in a fork
