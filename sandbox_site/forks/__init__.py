"""The Oscar apps that this shop has in versions of its own."""
