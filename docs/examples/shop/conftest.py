pytest_plugins = ["oscar_nd8.testing"]
