"""Quantities of Kubernetes: 500m, 2, 4Gi."""

from __future__ import annotations

import decimal
import re

_QUANTITY = re.compile(
    r"(?P<number>\+?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?"
)
"""Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def read_quantity(text: str) -> decimal.Decimal | None:
    """The number that a quantity means; None where it is none, or is below zero."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, suffix = decimal.Decimal(match["number"]), match["suffix"] or ""
    if suffix in _BINARY:
        return number * 1024 ** _BINARY[suffix]
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return number.scaleb(int(suffix[1:]))
    return number.scaleb(_DECIMAL.get(suffix, 0))
