"""Stands between the sidecar and the wiki, and lets something happen right before the sidecar saves a page."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from support.world import lab

HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@contextmanager
def between(before_save: Callable[[str], None]) -> Iterator[str]:
    """Gives the address for the sidecar's api_url; `before_save` gets the title of the page."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            form = parse_qs(body.decode())
            if form.get("action") == ["edit"]:
                before_save(form["title"][0])
            # The Host header goes on as it came: it is signed.
            onward = http.client.HTTPConnection("127.0.0.1", lab.port("wiki"), timeout=60)
            onward.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                onward.putheader(name, value)
            onward.endheaders(body)
            answer = onward.getresponse()
            text = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            onward.close()

        def log_message(self, *_: object) -> None:
            """The log of the wiki says enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
