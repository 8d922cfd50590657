"""A provider that does nothing but answer: `python -m tests.bench.stub SECONDS`. Quick, and no ND8."""

import asyncio
import json
import sys
import uuid

from tests.bench.answers import checkout, transaction

LATENCY = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One kept connection."""
    address = f"http://127.0.0.1:{writer.get_extra_info('sockname')[1]}"
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(_length(head))
            if LATENCY:
                await asyncio.sleep(LATENCY)
            method, path, _ = head.split(b" ", 2)
            if method == b"POST":
                status, content = b"201 Created", checkout(address, uuid.uuid4().hex)
            else:
                status, content = b"200 OK", transaction(path.decode().rstrip("/").rpartition("/")[2])
            body = json.dumps(content).encode()
            writer.write(
                b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (status, len(body), body)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


async def main() -> None:
    """Serve until terminated; the port is the first line of the output."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
