"""Commands that run when a cron line says so."""
