"""Oscar's registrations of the shipping models, unchanged."""

import oscar.apps.shipping.admin  # noqa: F401  # importing registers
