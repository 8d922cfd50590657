"""ND8's requests and answers as frozen values, by noun: strict where money or identity hangs on it."""
