"""A small shop (Oscar and Wagtail in one project) that uses `oscar_nd8` the way any shop would."""
