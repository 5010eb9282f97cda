"""Every question asked of the database, by name. Each takes a session and changes nothing but what its name says."""
