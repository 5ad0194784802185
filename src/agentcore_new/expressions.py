"""Expressions of Jinja that say once what both this code and Copier work out."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import jinja2


# Combinations by the thousand have a handful of names.
@lru_cache(maxsize=256)
def value(expression: str, **variables: str) -> str:
    """Return what `expression` gives for `variables`, as a text.

    Raises:
        jinja2.UndefinedError: It needs another variable.
    """
    return str(_compiled(expression)(**variables))


@cache
def _compiled(expression: str) -> Callable[..., Any]:
    # It makes no markup: there is nothing to escape.
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
    return environment.compile_expression(expression, undefined_to_none=False)
