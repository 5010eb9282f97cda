import os
import signal
import sys

from flask import Flask
from waitress import serve

app = Flask(__name__)


@app.get("/")
def hello():
    return f"Hello from Slipyard\n{os.environ.get('SOURCE_VERSION', 'unknown')}\n", {"Content-Type": "text/plain"}


def stop(signum, frame):
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    serve(app, host="0.0.0.0", port=int(os.environ.get("PORT", "3000")))
