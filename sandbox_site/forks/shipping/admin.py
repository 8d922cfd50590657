"""Oscar's registrations of the shipping models, unchanged."""

import oscar.apps.shipping.admin  # type: ignore[import-untyped]  # noqa: F401  # importing registers
