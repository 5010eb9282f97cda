import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return f"Hello from Slipyard\n{os.environ.get('SOURCE_VERSION', 'unknown')}\n", {"Content-Type": "text/plain"}
