"""The shop's Wagtail pages."""
