"""What the shop does with payments: one use case a file, each safe to repeat."""
