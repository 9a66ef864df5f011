"""An index in a PostgreSQL database: a schema for each generation, the columns in memory."""
