"""Jinja2 as templates of replies have it: sandboxed, bounded, exact about line ends and bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from typing import Any

from jinja2 import StrictUndefined, pass_context
from jinja2.lexer import Lexer
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sockreply.rules.templates.allowance import Spending
from sockreply.rules.templates.bounds import (
    bound_braces,
    bound_percent,
    bound_power,
    bound_product,
    bound_sum,
    text_of,
    weigh,
)
from sockreply.rules.templates.counted import JOINED, MADE, ROUNDS
from sockreply.rules.templates.exact import ExactCode, ExactLexer
from sockreply.rules.templates.filters import filters_for
from sockreply.rules.templates.growth import bound_method
from sockreply.rules.templates.octets import Bytes, bytes_in

_BOUNDS: dict[str, Callable[[Any, Any], None]] = {
    "+": bound_sum,
    "*": bound_product,
    "**": bound_power,
    "%": bound_percent,
}


class ReplyEnvironment(ImmutableSandboxedEnvironment):
    """What templates are compiled and filled in by.

    Args:
        kind: The bytes that they print.
    """

    code_generator_class = ExactCode
    intercepted_binops = frozenset(_BOUNDS)

    def __init__(self, kind: type[Bytes]) -> None:
        super().__init__(
            undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False, cache_size=0
        )
        self.kind = kind
        self.spending = Spending()
        """Knows what the template that is filled in may still use."""
        spent_by = self.spending.spent_by
        self.filters = {name: spent_by(each) for name, each in filters_for(kind).items()}
        self.filters |= {
            ROUNDS: pass_context(lambda _, items: self.spending.each(items)),
            MADE: self._made,
            JOINED: lambda items: self.spending.spend("".join(map(text_of, items))),
        }
        self.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": _as_json}
        del self.globals["lipsum"]  # draws from the process's own generator

    @cached_property
    def lexer(self) -> Lexer:
        """Reads the source of a template."""
        return ExactLexer(self)

    def concat(self, printed: Iterable[object]) -> Any:
        """What a macro or a block printed: bytes if there are bytes in it, and text otherwise."""
        pieces = [self.spending.spend(piece) for piece in printed]
        if self.kind.as_hex or not any(isinstance(piece, bytes) for piece in pieces):
            return "".join(map(self.kind.printed, pieces))
        return self.kind(b"".join(map(self.kind.printed_bytes, pieces)))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _BOUNDS[operator](left, right)
        return self.spending.spend(super().call_binop(context, operator, left, right))

    def _made(self, value: Any) -> Any:
        """What was made in a way that nothing else looks at."""
        if not isinstance(value, (str, bytes)):
            weigh(value)
        return self.spending.spend(value)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - so Jinja2 has it, for no argument in a template has such a name
        owner = getattr(__obj, "__self__", None)
        if isinstance(__obj, LoopContext):  # the next depth of a recursive loop
            args = (__self.spending.each(*args),)
        elif owner is not None:
            bound_method(__obj.__name__, owner, args, kwargs)
        made = super().call(__context, __obj, *args, **kwargs)
        return __self._made(made) if isinstance(made, dict) else __self.spending.spend(made)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        formatted = super().wrap_str_format(value)
        if formatted is None:
            return None
        fill, layout, mapped = formatted, value.__self__, value.__name__ == "format_map"

        def bounded(*args: Any, **named: Any) -> str:
            bound_braces(layout, *((), *args) if mapped else (args, named))
            return fill(*args, **named)

        return bounded


def _as_json(value: object) -> str:
    """What JSON has no form of its own for."""
    if isinstance(value, Bytes):
        return str(value)
    raise TypeError(f"JSON has no {type(value).__name__}")


@cache
def environment(encoding: str, as_hex: bool) -> ReplyEnvironment:
    """What compiles templates of an encoding.

    Raises:
        LookupError: There is no such encoding.
    """
    return ReplyEnvironment(bytes_in(encoding, as_hex))
