"""Counts its visits in the database beside it, which PGHOST and the other variables of libpq name."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

TABLE = "CREATE TABLE IF NOT EXISTS visit (at timestamptz NOT NULL DEFAULT now())"


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        with psycopg.connect() as connection:
            connection.execute("INSERT INTO visit DEFAULT VALUES")
            (visits,) = connection.execute("SELECT count(*) FROM visit").fetchone()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(f"Hello from Slipyard\nVisit {visits}\n".encode())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with psycopg.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        connection.execute(TABLE)
    ThreadingHTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()
