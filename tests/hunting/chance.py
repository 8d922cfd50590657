"""How a sequence is drawn: each choice as likely as the next, and no sequence made from an earlier one.

Hypothesis itself prefers small values, and makes five variants of each sequence that it has drawn. That suits a
function's arguments. Here it would leave 90 sequences of 500, in most of which nobody pays.
"""

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

__all__ = ["BACKEND"]

# https://hypothesis.readthedocs.io/en/latest/extensions.html#alternative-backends-for-hypothesis
BACKEND = "even-chances"
AVAILABLE_PROVIDERS[BACKEND] = f"{__name__}.EvenChances"


class EvenChances(HypothesisProvider):
    """Draws from Hypothesis's own generator, so that a seed decides everything."""

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
    ) -> int:
        """Any integer within bounds; as usual where there is none."""
        if self._random is None or min_value is None or max_value is None:
            return super().draw_integer(min_value, max_value, weights=weights, shrink_towards=shrink_towards)
        return self._random.randint(min_value, max_value)
