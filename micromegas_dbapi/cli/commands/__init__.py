"""The commands of ``micromegas-sql``, a module each."""
