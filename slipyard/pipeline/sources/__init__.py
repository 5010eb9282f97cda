"""Where source comes from: mirrors, polling, credentials of git hosts."""
