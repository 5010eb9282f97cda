"""Tables, migrations, named queries, the only writer of status, and files on disk."""
