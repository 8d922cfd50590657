"""ND8 behind the seams: loaded by path at first use, so nothing of ours imports it."""
