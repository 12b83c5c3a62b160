"""Steers subscriptions of a live server, and prints what came of it as one JSON object."""
import asyncio
import json
import sys
import time
from typing import Any

from tickwire import Client, Quote, RequestError, Status, Subscription, Tick, Trade

FROM = "1970-01-01T00:00:00Z"


async def take(subscription: Subscription, count: int) -> list[Tick]:
    """The next ticks; a loop that is left goes on where it was."""
    ticks: list[Tick] = []
    async for tick in subscription:
        ticks.append(tick)
        if len(ticks) == count:
            break
    return ticks


async def received(subscription: Subscription) -> list[Tick]:
    """What a paused subscription had received before it paused: there is no more once nothing is at hand."""
    ticks: list[Tick] = []
    while True:
        try:
            ticks += await asyncio.wait_for(take(subscription, 1), 0.2)
        except TimeoutError:
            return ticks


def is_run(ticks: list[Tick]) -> bool:
    """Whether no seq is missing or twice."""
    return [tick.seq for tick in ticks] == list(range(ticks[0].seq, ticks[0].seq + len(ticks)))


async def every(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = {}
    subscription = await client.subscribe(["*"], mode="every", from_=FROM)
    ticks = await take(subscription, 300)
    found["begins"] = ticks[0].seq
    await subscription.pause()
    ticks += await received(subscription)
    await client.ping()
    found["quiet"] = len(subscription._items) == 0
    await subscription.resume()
    ticks += await take(subscription, 300)
    found["run"] = is_run(ticks)
    await subscription.seek(FROM)
    again = await take(subscription, 500)
    found["sought"] = again[0].seq
    found["same"] = again[:300] == ticks[:300]
    await subscription.seek()
    newest = (await take(subscription, 1))[0].seq
    found["newest"] = newest > again[-1].seq
    cursor = subscription.cursor
    found["cursor"] = isinstance(cursor, str)
    await subscription.unsubscribe()
    found["ended"] = is_run([tick async for tick in subscription if not tick.snapshot] or again)
    return found


async def latest(client: Client) -> dict[str, Any]:
    """What is conflated between two updates of a symbol is what `history` has of it."""
    subscription = await client.subscribe(["EURUSD"], mode="latest", intervalMs=200, kinds=["quote"], snapshot=False)
    first, second = await take(subscription, 2)
    conflated = subscription.conflated["EURUSD"]
    answer, ticks = await client.history("EURUSD", first.symbol_seq, second.symbol_seq,
                                         fromSeq=first.seq, toSeq=second.seq)
    return {
        "conflated": conflated > 0,
        "counted": conflated == second.symbol_seq - first.symbol_seq - 1 == len(ticks) - 2,
        "ends": [ticks[0], ticks[-1]] == [first, second],
        "missing": answer["missing"],
        "inOrder": [tick.symbol_seq for tick in ticks] == list(range(first.symbol_seq, second.symbol_seq + 1)),
        "kinds": all(isinstance(tick, Quote | Trade | Status) for tick in ticks),
    }


async def refusals(client: Client) -> list[str]:
    codes = []
    for ask in (
        lambda: client.request({"op": "pause", "sub": 99}),
        lambda: client.history("NOPE", 1, 2),
        lambda: client.subscribe(["*"], mode="every", from_="!"),
    ):
        try:
            await ask()
        except RequestError as error:
            codes.append(error.code)
    return codes


async def main(url: str, encoding: str) -> None:
    async with Client(url, encoding) as client:
        skew = abs(await client.ping() - time.time_ns())
        found = {"every": await every(client), "latest": await latest(client), "refusals": await refusals(client)}
        print(json.dumps(found | {"clock": skew < 60e9, "losses": client.losses}))


asyncio.run(main(*sys.argv[1:]))
