"""Prints the state of a ring, at first and after each change, until Ctrl-C."""

import argparse
import asyncio
import pathlib
import sys

import socketio

PAUSE_SECONDS = 1


class Refused(Exception):
    """The gateway's answer to a refused observer. Another attempt would end alike."""


async def observe(url, auth):
    """Prints the gateway's events until the connection is lost."""
    # `socketio.Client` runs each handler in a thread of its own, so events may swap places.
    # With the client's own reconnection, a refusal would be repeated for ever.
    client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
    refusals = []

    @client.event
    def connect():
        print(f"connected to {url}")

    @client.event
    def welcome(told):
        print(f"welcome: protocol {told['protocol']}")

    @client.event
    def cluster(status):
        print_cluster(status)

    @client.event
    def connect_error(error):
        # A text is the client's own: it found no gateway.
        if isinstance(error, dict):
            refusals.append(error["message"])

    try:
        # The gateway serves websockets only. By default the client begins with polling.
        await client.connect(url, auth=auth, transports=["websocket"])
        # Ctrl-C ends this wait, but not yet the client: it still says goodbye.
        await asyncio.shield(client.wait())
    except socketio.exceptions.ConnectionError:
        if refusals:
            raise Refused(refusals[0]) from None
        print(f"no gateway at {url}: trying again")
    else:
        print("disconnected: connecting again")
    finally:
        await client.disconnect()


def print_cluster(status):
    """The fields are those of `GET /api/cluster`."""
    away = [node["id"] for node in status["nodes"] if not node["linked"]]
    state = "healthy" if status["healthy"] else "not healthy"
    print(f"cluster: {state}, nodes away: {', '.join(away) or 'none'}")
    for partition in status["partitions"]:
        for problem in partition["problems"]:
            print(f"  partition {partition['partition']}: {problem}")


async def run(url, auth):
    """Connects again whenever the connection is lost."""
    while True:
        await observe(url, auth)
        await asyncio.sleep(PAUSE_SECONDS)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:3002")
    parser.add_argument("--token-file", type=pathlib.Path)
    options = parser.parse_args()
    # Into a pipe, too, each line goes at once.
    sys.stdout.reconfigure(line_buffering=True)
    # A gateway without a file of API tokens lets everyone observe.
    auth = {"token": options.token_file.read_text().strip()} if options.token_file else {}
    try:
        asyncio.run(run(options.url, auth))
    except Refused as refusal:
        sys.exit(f"refused: {refusal}")
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
