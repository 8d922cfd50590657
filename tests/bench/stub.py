"""A provider that does nothing but answer: `python -m tests.bench.stub SECONDS`. Quick, and no ND8."""

import json
import socketserver
import sys
import time
import uuid
from http import HTTPStatus

from tests.bench.answers import checkout, transaction

LATENCY = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0


class Connection(socketserver.StreamRequestHandler):
    """One kept connection, in a thread of its own: an event loop sleeps whole milliseconds, and longer than asked."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer until the other side hangs up, each call after `LATENCY` and not what composing it takes besides."""
        while line := self.rfile.readline():
            began = time.monotonic()
            method, path, _ = line.decode().split(" ", 2)
            self.rfile.read(self._length())
            answer = self._answer(method, path)
            if LATENCY:
                time.sleep(max(0.0, began + LATENCY - time.monotonic()))
            self.wfile.write(answer)

    def _length(self) -> int:
        length = 0
        while (field := self.rfile.readline().lower()).strip():
            if field.startswith(b"content-length:"):
                length = int(field.split(b":")[1])
        return length

    def _answer(self, method: str, path: str) -> bytes:
        if method == "POST":
            host, port = self.connection.getsockname()
            status, content = HTTPStatus.CREATED, checkout(f"http://{host}:{port}", uuid.uuid4().hex)
        else:
            status, content = HTTPStatus.OK, transaction(path.rstrip("/").rpartition("/")[2])
        body = json.dumps(content)
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n{body}".encode()


class Server(socketserver.ThreadingTCPServer):
    """As many connections at once as there are."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up in the middle of a call is at their end."""


if __name__ == "__main__":
    with Server(("127.0.0.1", 0), Connection) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
