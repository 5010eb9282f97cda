"""Counts, four times a second."""

import signal
import sys
import time

from store import ask

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    try:
        print(f"counted to {ask('INCR', 'count')}", flush=True)
    except OSError as error:
        print(f"the store does not answer: {error}", flush=True)
    time.sleep(0.25)
