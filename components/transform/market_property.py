"""The section `market` among a TFX component's execution properties."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from tfx.types import component_spec

from components.errors import ConfigError
from components.transform.market_config import ALONE, MarketConfig

MARKET_KEY = "market"


class KnowsMarket:
    """A component whose spec has PARAMETER; it is made without a market."""

    PARAMETER: ClassVar = {MARKET_KEY: component_spec.ExecutionParameter(type=str)}
    spec: Any

    def with_market(self, config: MarketConfig) -> Self:
        """Sets whether it sees the market of the day."""
        self.spec.exec_properties.update(market_property(config))
        return self


def market_property(config: MarketConfig = ALONE) -> dict[str, str]:
    """The property as JSON that is the same whenever the config is."""
    return {MARKET_KEY: json.dumps(dataclasses.asdict(config), sort_keys=True)}


def read_market(properties: Mapping[str, Any]) -> MarketConfig:
    """Reads the property.

    Raises:
      ConfigError: a value is out of its range.
    """
    try:
        return MarketConfig(**json.loads(properties[MARKET_KEY]))
    except ValueError as error:
        raise ConfigError(str(error)) from error
