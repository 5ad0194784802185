"""An agent of others: it answers in ways that HTTP allows, and ours do not use."""

import gzip
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(200, b'{"status": "Healthy", "time_of_last_update": 1' + b"0" * 400 + b"}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        print(f"asked {body!r}", flush=True)
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        word, _, rest = str(json.loads(body)["prompt"]).partition(" ")
        if word == "gzip":
            packed = gzip.compress(json.dumps({"result": rest}).encode())
            self.answer(200, packed, ("Content-Encoding", "gzip"))
        elif word == "headers":
            self.answer(200, json.dumps({"result": json.dumps([*self.headers.items()])}).encode())
        elif word == "elsewhere":
            self.answer(307, b"", ("Location", rest))
        elif word == "deep":
            self.answer(200, b"[" * 100_000)
        elif word == "sleep":
            time.sleep(float(rest))
            self.answer(200, b'{"result": "slept"}')
        else:
            self.answer(200, body)

    def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), *headers):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing of itself."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.daemon_threads = True
    server.serve_forever()
