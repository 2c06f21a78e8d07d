import asyncio
import http
import json
import logging
import os
import signal
import sys
import threading
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.legacy.server import serve

TEXT = {"Content-Type": "text/plain"}
PATHS = {"/echo", "/early", "/headers", "/close"}


async def process_request(path, _request_headers):
    """The library calls this before the opening handshake; None lets the handshake go on."""
    route = urlsplit(path).path
    if route == "/hello":
        return http.HTTPStatus.OK, TEXT, b"hello from python-websockets"
    if route == "/refuse":
        return http.HTTPStatus.FORBIDDEN, {"X-Reason": "refused by the backend", **TEXT}, b"not today\n"
    if route not in PATHS:
        return http.HTTPStatus.NOT_FOUND, TEXT, b"no such path\n"
    return None


def joined_headers(headers):
    joined = {}
    for name, value in headers.raw_items():
        name = name.lower()
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


async def handle(connection):
    url = urlsplit(connection.path)
    try:
        if url.path == "/close":
            query = parse_qs(url.query)
            await connection.close(int(query.get("code", ["1000"])[0]), query.get("reason", [""])[0])
            return
        if url.path == "/early":
            await connection.send("early")
        elif url.path == "/headers":
            await connection.send(json.dumps(joined_headers(connection.request_headers)))
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass  # the other side vanished; there is nobody left to tell


def stop_with_stdin():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


async def run_server(port, subprotocols, deflate):
    """Starts the echo server on 127.0.0.1 and prints `listening <port>`; ends with stdin or a signal."""
    logging.disable(logging.CRITICAL)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, os._exit, 0)
    server = await serve(
        handle,
        "127.0.0.1",
        port,
        process_request=process_request,
        subprotocols=subprotocols or None,
        # The server's order of preference decides, as in the other peers.
        select_subprotocol=lambda offered, ours: next((name for name in ours if name in offered), None),
        compression=None,
        extensions=None if deflate is None else [ServerPerMessageDeflateFactory(**deflate)],
        max_size=64 * 1024 * 1024,
        ping_interval=None,
    )
    print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
    threading.Thread(target=stop_with_stdin, daemon=True).start()
    await asyncio.Future()
