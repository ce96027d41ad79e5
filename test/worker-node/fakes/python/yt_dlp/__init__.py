"""A yt_dlp that misbehaves on demand: the last argument says how. It has nothing of what the host's rehearsal touches."""
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time

from . import version

FIRST_SEEN = []


def say(text):
    print(text, flush=True)


def main(argv):
    what = argv[-1].rsplit("/", 1)[-1]
    FIRST_SEEN.append(what)
    if what == "about":
        # What the child was given, and what of an earlier request it can see.
        open_files = sorted(int(name) for name in os.listdir("/proc/self/fd"))
        say(json.dumps({"environ": dict(os.environ), "cwd": os.getcwd(), "argv": argv, "seen": FIRST_SEEN,
                        "files": open_files, "ids": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
                        "limits": [resource.getrlimit(resource.RLIMIT_CORE)[1], resource.getrlimit(resource.RLIMIT_NOFILE)[1]],
                        "status": open("/proc/self/status").read(), "version": version.__version__, "path": sys.path,
                        "score": open("/proc/self/oom_score_adj").read().strip()}))
        sys.exit(0)
    if what == "tls":
        context = ssl.create_default_context()
        with socket.create_connection(("127.0.0.1", int(argv[-1].split(":")[2].split("/")[0]))) as plain:
            with context.wrap_socket(plain, server_hostname="media.example"):
                pass
        say(json.dumps({"bundle": os.environ.get("SSL_CERT_FILE"), "read": context.cert_store_stats()["x509"]}))
        sys.exit(0)
    if what == "version":
        say(json.dumps({"_type": "video", "title": version.__version__, "pid": os.getpid()}))
        sys.exit(0)
    if what == "abort":
        os.abort()
    if what == "raise":
        raise RuntimeError("a fault of the extractor")
    if what == "exit":
        sys.stderr.write("last words\n")
        os._exit(7)
    if what == "spam":
        while True:
            os.write(1, b"x" * 65536)
    if what == "bytes":
        os.write(1, b"\xff\xfe{\n\0")
        sys.exit("ERROR: no text")
    if what == "hang":
        say(f"ready {os.getpid()}")
        time.sleep(1000)
    if what == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say(f"ready {os.getpid()}")
        say(f"child {subprocess.Popen(['sleep', '1000']).pid}")
        time.sleep(1000)
    if what == "leave":
        # Its own copies of our streams stay open.
        say(f"child {subprocess.Popen(['sleep', '1000']).pid}")
        sys.exit(0)
    if what == "large":
        for number in range(200):
            sys.stdout.write(f"{number} " + "y" * 60000 + "\n")
        sys.exit(0)
