"""An agent of the standard library alone, which does what its prompt says."""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOME = Path(os.environ.get("QUICK_HOME", "."))  # where the tests say what is to happen
turns: dict[str, int] = {}
changed = time.time()


def wait_for(name: str) -> None:
    """Wait until the tests have made that file."""
    while not (HOME / name).exists():
        time.sleep(0.005)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        busy = (HOME / "busy").exists()
        status = "HealthyBusy" if busy else "Healthy"
        self.answer(200, {"status": status, "time_of_last_update": int(changed)})

    def do_POST(self) -> None:
        global changed
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        payload = json.loads(body) if body else {}
        prompt = payload.get("prompt", "")
        session = self.headers["X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"]
        turns[session] = turns.get(session, 0) + 1
        changed = time.time()
        word, _, rest = prompt.partition(" ")
        if word == "status":  # an error of the agent
            self.answer(int(rest), {"error": f"status {rest}"})
        elif word == "headers":
            self.answer(200, {"result": json.dumps(list(self.headers.items()))})
        elif word == "stream":
            self.stream(rest.split())
        elif word == "wait":
            wait_for(rest)
            self.answer(200, {"result": f"waited for {rest}"})
        elif word == "die":
            os._exit(int(rest))
        elif word == "size":
            self.answer(200, {"result": str(len(body))})
        elif word == "log":
            print(rest, flush=True)
            self.answer(200, {"result": "logged"})
        else:
            self.answer(200, {"result": f"turn {turns[session]} of {os.getpid()}: {prompt}"})

    def stream(self, pieces: list[str]) -> None:
        """Send each piece when there is a file of its name, `!` an error and `#` the end."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            if piece == "#":
                os._exit(1)
            if piece == "!":
                data = json.dumps({"error": "It failed."})
            else:
                data = json.dumps(f"{piece} ")
                if piece.startswith("@"):
                    wait_for(piece[1:])
            event = f"data: {data}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing of itself."""


def stop(*_: object) -> None:
    """End at once, as an agent may that has nothing to finish."""
    os.write(1, b"told to stop\n")
    os._exit(0)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.daemon_threads = True
    stubborn = (HOME / "stubborn").exists()
    signal.signal(signal.SIGTERM, signal.SIG_IGN if stubborn else stop)
    print(f"started as {sys.argv}", flush=True)
    server.serve_forever()
