"""The commands `database`: its tables, its bars, its roles; what they need is imported when they run."""

from __future__ import annotations

from collections.abc import Callable

import click


def _configured(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command --config and --set."""
    file = click.option("--config", "config_file", default="", metavar="FILE", help="YAML over the defaults.")
    override = click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all."
    )
    return file(override(command))


@click.group("database")
def database() -> None:
    """PostgreSQL: make the tables, load bars, grant rights; then `run --source postgres`.

    The server is the section `database` of the configuration; the password comes from its password_file or
    from MARKETCAST_DATABASE_PASSWORD. See docs/data.md.
    """


@database.command("upgrade")
@_configured
def upgrade(config_file: str, overrides: tuple[str, ...]) -> None:
    """Make the tables and views, or bring them to this version; once more changes nothing."""
    from components.database import schema
    from pipeline.environment import load_serving_sections

    config = load_serving_sections(config_file, overrides).database
    before, now = schema.upgrade(config)
    done = f"is at version {now}" if before == now else f"went from {before or 'nothing'} to version {now}"
    click.echo(f"database {config.place} {done}")


@database.command("load")
@_configured
def load(config_file: str, overrides: tuple[str, ...]) -> None:
    """Load bars and companies from the files of the configuration, all or nothing.

    Rows that are there and the same are left alone. Bad rows end it, or are left out, as the policies of the
    section `validation` say; what concerns a whole ticker is left to the run.
    """
    from components.database import bars_loader, schema
    from pipeline.environment import load_serving_sections

    sections = load_serving_sections(config_file, overrides)
    if sections.source.actions_path:
        click.echo(
            "source.actions_path is not used here: adj_close is loaded as it stands in the files, or as "
            "close; give it to the run that reads the bars",
            err=True,
        )
    schema.check_version(sections.database)
    done = bars_loader.load_bars(sections.database, sections.source, sections.validation)
    click.echo(
        f"database {sections.database.place}: {done.bars:,} bars and {done.companies:,} companies added or "
        f"changed, {done.quarantined:,} rows quarantined"
    )


@database.command("roles")
@_configured
def roles(config_file: str, overrides: tuple[str, ...]) -> None:
    """Make the roles marketcast_reader, _ingest and _writer, and give each exactly its rights.

    They cannot log in: `GRANT marketcast_reader TO somebody`.
    """
    from components.database.roles import GRANTS, grant_roles
    from pipeline.environment import load_serving_sections

    config = load_serving_sections(config_file, overrides).database
    grant_roles(config)
    click.echo(f"database {config.place}: granted to {', '.join(GRANTS)}")
