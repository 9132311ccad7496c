"""What an operator sets, as plain typed values: from a file, or from a parsed document."""

from sockreply.config.load import read, settings_from

__all__ = ["read", "settings_from"]
