"""Bars as Parquet files with a history of what was known on which day; the contract is in docs/data.md."""
