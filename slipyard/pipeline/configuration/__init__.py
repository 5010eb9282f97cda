"""Variables, secrets and their stores, as versions."""
