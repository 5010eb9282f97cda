"""Shows what the worker counted; until it has begun there is nothing to show, and this is not ready."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from store import ask


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        try:
            count = ask("GET", "count")
        except OSError:
            count = ""
        self.send_response(200 if count else 503)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(f"{os.environ['GREETING']}\nThe worker counted to {count or 'nothing yet'}.\n".encode())


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Page).serve_forever()
