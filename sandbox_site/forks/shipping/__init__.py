"""The two ways in which this shop ships."""
