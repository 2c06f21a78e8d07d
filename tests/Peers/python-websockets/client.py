import asyncio

from websockets.exceptions import ConnectionClosed, InvalidStatusCode
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.legacy.client import connect

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 1024 * 1024]


class Unsupported(Exception):
    pass


async def run_client(url, scenario, name, origin, headers, deflate):
    """Runs one scenario against an echo server; returns a line of details, raises what failed."""
    if scenario not in SCENARIOS:
        raise ValueError("no such scenario")
    if scenario == "subprotocol" and name is None:
        raise ValueError("the name of a subprotocol is missing")
    try:
        connection = await connect(
            url,
            subprotocols=["x.unknown", name] if scenario == "subprotocol" else None,
            origin=origin,
            extra_headers=headers,
            compression=None,
            extensions=None if deflate is None else [ClientPerMessageDeflateFactory(**deflate)],
            max_size=64 * 1024 * 1024,
            open_timeout=30,
            ping_interval=None,
        )
    except InvalidStatusCode as refusal:
        raise RuntimeError(f"handshake refused with status {refusal.status_code}") from refusal
    try:
        if deflate is not None and not connection.extensions:
            raise RuntimeError("the server agreed to no compression")
        details = await SCENARIOS[scenario](connection, name)
    except ConnectionClosed as closed:
        raise RuntimeError(f"closed too early: {closed}") from closed
    except BaseException:
        connection.transport.abort()  # or the library would wait for a closing handshake that nobody answers
        raise
    await connection.close(1000, "done")
    if connection.close_code != 1000:
        raise RuntimeError(f"closed with 1000, but {connection.close_code} '{connection.close_reason}' came back")
    return details


async def echo(connection, _name):
    for size in SIZES:
        await round_trip(connection, text_of(size))
        await round_trip(connection, bytes_of(size))
    await round_trip(connection, "Grüße, 世界 🚪 \0")
    return f"{2 * len(SIZES) + 1} messages up to {SIZES[-1]} bytes"


async def fragments(connection, _name):
    await fragmented(connection, ["à", " la carte — 世界 🚪" * 20, "", "fin"])
    data = bytes_of(70_000)
    await fragmented(connection, [data[:10], data[10:66_000], data[66_000:]])
    # The library ends each with an empty fragment of its own.
    return "a text message in 5 fragments, a binary one in 4, pings between"


async def ping(connection, _name):
    for payload in (b"", b"are you there?", bytes_of(125)):
        # The library completes the inner future when a pong with this very payload comes.
        await (await connection.ping(payload))
    return "3 pings answered"


async def close(_connection, _name):
    return "closed with 1000"


async def subprotocol(connection, name):
    if connection.subprotocol != name:
        raise RuntimeError(f"subprotocol '{connection.subprotocol}' agreed instead of '{name}'")
    return f"subprotocol {name}"


async def burst(connection, _name):
    count = 1000

    def message(i):
        text = f"message {i} ".ljust(20 + i % 200, ".")
        return text.encode() if i % 2 else text

    async def send_all():
        for i in range(count):
            await connection.send(message(i))

    sending = asyncio.create_task(send_all())
    for i in range(count):
        await expect(connection, message(i))
    await sending
    return f"{count} messages in order"


SCENARIOS = {
    "echo": echo,
    "fragments": fragments,
    "ping": ping,
    "close": close,
    "subprotocol": subprotocol,
    "burst": burst,
}


def text_of(size):
    return "".join(chr(97 + i % 26) for i in range(size))


def bytes_of(size):
    return bytes((i * 31 + size) % 251 for i in range(size))


def kind(message):
    return "text" if isinstance(message, str) else "binary"


async def round_trip(connection, message):
    await connection.send(message)
    await expect(connection, message)


async def expect(connection, message):
    received = await connection.recv()
    if kind(received) != kind(message):
        raise RuntimeError(f"{kind(message)} message of length {len(message)} came back as {kind(received)}")
    if received != message:
        raise RuntimeError(f"{kind(message)} message of length {len(message)} came back changed ({len(received)})")


async def fragmented(connection, parts):
    pongs = []

    async def with_pings():
        for i, part in enumerate(parts):
            if i > 0:
                pongs.append(await connection.ping(f"after fragment {i - 1}"))
            yield part

    await connection.send(with_pings())
    for pong in pongs:
        await pong
    await expect(connection, parts[0][:0].join(parts))
