"""Door: notifications from the provider."""
