"""Oscar's registrations of the partner models, unchanged."""

import oscar.apps.partner.admin  # noqa: F401  # importing registers
