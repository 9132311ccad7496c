"""What is wrong with an endpoint string, in words of its own.

Twisted's parsers are plain functions, and say what Python says of their arguments.
"""

from __future__ import annotations

import re

from sockreply.shown import show_error

_WORDS = (
    (r"invalid literal for int\(\) with base 10: (.*)", r"\1 is not a whole number"),
    (r"invalid literal for int\(\) with base 8: (.*)", r"\1 is not an octal number, such as 660"),
    (r".* missing \d+ required .*: '(\w+)'", r"it needs a value for \1"),
    (r".* got an unexpected keyword argument (.*)", r"there is no parameter \1"),
    (r".* got multiple values for argument '(\w+)'", r"it has two values for \1"),
    (r".* takes .* positional arguments? but \d+ were given", "it has too many parts"),
    (r"module 'OpenSSL.SSL' has no attribute (.*)", r"there is no sslmethod \1"),
    (r"Certificate public and private keys do not match\.", "the key is not the certificate's"),
    (r"\[\w+(?:: \w+)?\] (.*) \(_ssl\.c:\d+\)", r"OpenSSL refuses it: \1"),
    (r"\[\(.*\)\]", "what it names as a key or as a certificate is not one"),
)
"""What Python and OpenSSL say, as a pattern, and what that means."""


def why_bad(error: Exception) -> str:
    """What an error in reading an endpoint string means; other errors speak for themselves."""
    for said, meaning in _WORDS:
        if (found := re.fullmatch(said, str(error), re.DOTALL)) is not None:
            return found.expand(meaning)
    return show_error(error)
