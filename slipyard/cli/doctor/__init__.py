"""`slipyard doctor`: everything that an installation stands on, looked at one by one."""
