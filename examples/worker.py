"""A worker that has something to do for the web process now and then, and leaks a little each time."""

import os
import time
import urllib.request

# What Procfile runners give to the first process.
url = f"http://127.0.0.1:{os.environ.get('WEB_PORT', '5000')}/"
leak = []
while True:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            leak.append(answer.read() * 10_000)
        print("done", len(leak), flush=True)
    except OSError as error:
        print("later:", error, flush=True)
    time.sleep(float(os.environ.get("PAUSE", "5")))
