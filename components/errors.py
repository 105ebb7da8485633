"""Errors a user can mend; the command prints their message without a traceback."""


class MarketcastError(Exception):
    """Something a user can mend; the message is `<thing> must <expected>, got <value>; <how to mend it>`."""

    exit_code = 1


class InputError(MarketcastError):
    """A file of bars or of company metadata is missing, unreadable or holds bad values."""

    exit_code = 4


class ConfigError(MarketcastError):
    """A key, flag or value of the configuration is wrong."""

    exit_code = 4


class ServingError(MarketcastError):
    """A server or a model cannot be reached, or refuses."""

    exit_code = 5


class DatabaseError(MarketcastError):
    """The database cannot be reached, or refuses."""

    exit_code = 5


class LeakError(MarketcastError):
    """A forecast, a label or a learnt constant knows what it could not have known."""
