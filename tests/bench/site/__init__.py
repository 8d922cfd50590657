"""What the web server runs while the webhook is measured: our door, and the floor beside it."""
