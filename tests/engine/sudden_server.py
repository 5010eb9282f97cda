"""A web server that keeps its connections, as most frameworks do, and dies without a word when it is told to end; after three
seconds by itself where its text says "dies"."""

DOCKERFILE = """\
FROM python:3.11-slim
STOPSIGNAL SIGKILL
COPY index.html server.py /app/
CMD ["python", "-u", "/app/server.py"]
"""
SERVER = """\
import os, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = open("/app/index.html", "rb").read()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/slow":
            time.sleep(0.7)
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    do_POST = do_GET

    def log_message(self, *_): ...


def die():
    print("the cache is corrupt", flush=True)
    os._exit(3)


if b"dies" in TEXT:
    threading.Timer(3, die).start()
ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
