"""The peer `websockets` (Debian's python3-websockets): an echo server and a client with scenarios.

See ../README.md for the command line. It uses the library's classic asyncio API, which every version has so far.
"""

import argparse
import asyncio
import sys

from client import Unsupported, run_client
from server import run_server

TIMEOUT = 60


def parse_header(line):
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError(f"wants 'Name: value', not '{line}'")
    return name.strip(), value.strip()


def parse_deflate(text):
    """Turns `server_no_context_takeover,client_max_window_bits=10` into the library's arguments."""
    parameters = {}
    for parameter in filter(None, text.split(",")):
        name, _, value = parameter.partition("=")
        parameters[name] = int(value) if value else True
    return parameters


def parse_arguments():
    parser = argparse.ArgumentParser(prog="python-websockets")
    verbs = parser.add_subparsers(dest="verb", required=True)
    server = verbs.add_parser("server")
    server.add_argument("--port", type=int, default=0)
    server.add_argument("--subprotocol", action="append", default=[])
    server.add_argument("--deflate", type=parse_deflate)
    client = verbs.add_parser("client")
    client.add_argument("url")
    client.add_argument("scenario")
    client.add_argument("name", nargs="?")
    client.add_argument("--origin")
    client.add_argument("--header", action="append", default=[], type=parse_header)
    client.add_argument("--deflate", type=parse_deflate)
    return parser.parse_args()


async def client(arguments):
    try:
        details = await asyncio.wait_for(
            run_client(
                arguments.url, arguments.scenario, arguments.name, arguments.origin, arguments.header, arguments.deflate
            ),
            TIMEOUT,
        )
    except Unsupported:
        print("unsupported")
        return 64
    except asyncio.TimeoutError:
        print(f"scenario {arguments.scenario}: not done after {TIMEOUT} s", file=sys.stderr)
        return 1
    except Exception as error:
        print(f"scenario {arguments.scenario}: {error or type(error).__name__}", file=sys.stderr)
        return 1
    print(f"ok {details}")
    return 0


def main():
    arguments = parse_arguments()
    if arguments.verb == "client":
        sys.exit(asyncio.run(client(arguments)))
    asyncio.run(run_server(arguments.port, arguments.subprotocol, arguments.deflate))


if __name__ == "__main__":
    main()
