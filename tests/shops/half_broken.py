"""Settings of a project where BREAK names what is wrong."""

import os

from sandbox_site.settings import *  # noqa: F403  # the sandbox, spoilt

match os.environ.get("BREAK"):
    case "settings":
        ND8 = {**ND8, "API_KEI": "sk_very_secret"}  # noqa: F405
    case "urls":
        ROOT_URLCONF = "tests.shops.no_such_urls"
