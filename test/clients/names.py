"""Reads one tick of each symbol whose name stands in the arguments, and prints what came."""

import asyncio
import json
import sys

from tickwire import Client, escape_symbol


async def main(url: str, encoding: str, names: list[str]) -> None:
    async with Client(url, encoding) as client:
        got = []
        for name in names:
            subscription = await client.subscribe([escape_symbol(name)])
            async for tick in subscription:
                got.append([tick.symbol, tick.bid])
                break
            await subscription.unsubscribe()
        print(json.dumps(got))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
