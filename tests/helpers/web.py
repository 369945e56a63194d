"""A web server on this machine, for the tests of remote input files."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

# Snakemake's storage plugin for paths copies with rsync; continuous integration installs it.
needs_rsync = pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")


class Web:
    """A server and its files.

    Attributes:
        url: its address.
        files: {path: content}; others do not exist.
        changed: {path: time of the last change}; others have none.
        promised: {path: number of bytes that it announces}, if it is not that of the content.
        requests: the requests so far, such as "GET /file".
    """

    def __init__(self, url: str):
        self.url = url
        self.files: dict[str, bytes] = {}
        self.changed: dict[str, float] = {}
        self.promised: dict[str, int] = {}
        self.requests: list[str] = []


@contextmanager
def web() -> Iterator[Web]:
    """Run a server in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self, body: bool = False):
            here.requests.append(f"{self.command} {self.path}")
            content = here.files.get(self.path)
            self.send_response(404 if content is None else 200)
            content = b"<html>Not found</html>" if content is None else content
            self.send_header("Content-Length", str(here.promised.get(self.path, len(content))))
            if self.path in here.changed:
                self.send_header("Last-Modified", formatdate(here.changed[self.path], usegmt=True))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def do_GET(self):
            self.do_HEAD(body=True)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here = Web(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield here
        finally:
            server.shutdown()
            thread.join()
