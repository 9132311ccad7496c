"""The form of a configuration."""

from __future__ import annotations

import tomllib
from typing import Any

from sockreply.config import form, form_tls
from sockreply.config.form import keys_of
from tests.config.texts import EVERYTHING, SECURED, TLS

TEXTS = (EVERYTHING, TLS, SECURED)


def test_the_text_has_every_key() -> None:
    """The text of the test above leaves no key of the file out."""

    def keys(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(keys, value))
        return set(value).union(*map(keys, value.values())) if isinstance(value, dict) else set()

    forms = [*vars(form).values(), *vars(form_tls).values()]
    forms = [each for each in forms if isinstance(each, type)]
    known = {
        key
        for each in forms
        if each.__module__ in (form.__name__, form_tls.__name__)
        for key in keys_of(each)
    }
    assert known == set().union(*(keys(tomllib.loads(text)) for text in TEXTS)) & known
