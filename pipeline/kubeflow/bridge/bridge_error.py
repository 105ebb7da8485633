"""The error of the bridge between KFP's launcher and a TFX component."""

from __future__ import annotations

from components.errors import MarketcastError


class BridgeError(MarketcastError):
    """What the launcher handed over, or what the component left behind, breaks KFP's contract."""
