"""What Alembic runs to migrate: on the connection that schema.upgrade gives it."""

from alembic import context

from components.database.schema import CONNECTION_ATTRIBUTE, SCHEMA, VERSION_TABLE

context.configure(
    connection=context.config.attributes[CONNECTION_ATTRIBUTE],
    version_table=VERSION_TABLE,
    version_table_schema=SCHEMA,
)
context.run_migrations()
