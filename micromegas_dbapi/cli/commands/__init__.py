"""Run the commands of ``micromegas-sql``, each in a module."""
