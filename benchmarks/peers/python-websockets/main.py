"""The peer `websockets` (Debian's python3-websockets): an echo and rooms. See ../README.md for the command line.

It uses the library's classic asyncio API, which every version has so far.
"""

import argparse
import asyncio
import logging
import ssl

from websockets.exceptions import ConnectionClosed
from websockets.legacy.protocol import broadcast
from websockets.legacy.server import serve

rooms = {}


async def handle(connection):
    try:
        if not connection.path.startswith("/rooms/"):
            async for message in connection:
                await connection.send(message)
            return
        room = rooms.setdefault(connection.path, set())
        room.add(connection)
        try:
            async for message in connection:
                broadcast(room - {connection}, message)
        finally:
            room.discard(connection)
    except ConnectionClosed:
        pass  # the other side vanished; there is nobody left to tell


async def main():
    parser = argparse.ArgumentParser(prog="python-websockets")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--compress", action="store_true")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    tls = None
    if arguments.cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments.cert, arguments.key)
    server = await serve(
        handle,
        "127.0.0.1",
        0,
        ssl=tls,
        compression="deflate" if arguments.compress else None,
        max_size=2 * 1024 * 1024,
        backlog=4096,
    )
    print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Future()


asyncio.run(main())
