"""A consumer of tickwire's stream: one file, on `websockets` and `msgpack` alone.

    async with Client("ws://127.0.0.1:8080/v1/stream") as client:
        subscription = await client.subscribe(["EUR*"], mode="every")
        async for tick in subscription:
            print(tick)

It reconnects by itself and goes on exactly after the last tick received. docs/protocol.md says what the
messages mean; this file needs nothing else of the server.
"""
from __future__ import annotations

import argparse
import asyncio
import base64
import functools
import json
import math
import random
import re
import struct
import sys
from collections import Counter, deque, namedtuple
from typing import Any, AsyncIterator, Coroutine, Iterator

import msgpack
import websockets

ENCODINGS = ("packed", "msgpack", "json")
FLAGS = {"crossed": 8, "locked": 16, "late": 32, "snapshot": 64, "suspicious": 128, "conflated": 256,
         "buy": 512, "sell": 1024}
ENGINE = ("$engine", 0)  # name and digits of symbolId 0, which is never announced

# --- ticks

HEAD = "symbol epoch shard snapshot seq symbol_seq flags ts_event ts_recv "
# Times are UNIX nanoseconds, flags the bits of FLAGS; what the source did not tell is None.
Quote = namedtuple("Quote", HEAD + "bid ask bid_size ask_size")
Trade = namedtuple("Trade", HEAD + "price size side trade_id")
Status = namedtuple("Status", HEAD + "code args")
Gap = namedtuple("Gap", HEAD + "reason first last count")
KINDS = {"quote": Quote, "trade": Trade, "status": Status, "gap": Gap}
Tick = Quote | Trade | Status | Gap
SIDES = (None, "buy", "sell")

BATCH_FIELDS = ("epoch", "shard", "snapshot")
# A batch of one subscription and one shard; its cursor stands for everything up to and including it.
Batch = namedtuple("Batch", "sub epoch shard cursor snapshot ticks")


def as_json(tick: Tick) -> dict[str, Any]:
    """A tick as the JSON stream says it."""
    named = {camel(name): value for name, value in zip(tick._fields, tick) if name not in BATCH_FIELDS}
    event = None if tick.ts_event is None else str(tick.ts_event)
    flags = [name for name, bit in FLAGS.items() if tick.flags & bit]
    return {"kind": type(tick).__name__.lower(), **named, "tsEvent": event, "tsRecv": str(tick.ts_recv), "flags": flags}


@functools.cache
def camel(name: str) -> str:
    return re.sub("_(.)", lambda letter: letter[1].upper(), name)


def escape_symbol(name: str) -> str:
    """A symbol's name as `subscribe` takes it: what a pattern would mean by it stands for itself."""
    return re.sub(r"[*,\\]", r"\\\g<0>", name)


# --- decoders

Symbols = dict[int, tuple[str, int]]  # symbolId: (name, digits)


def ticks_of(message: dict[str, Any], symbols: Symbols) -> list[Tick]:
    """The ticks of a `ticks` or `history` message in JSON (objects) or MessagePack (arrays)."""
    head = (message["epoch"], message["shard"], message.get("snapshot", False))
    return [_from_array(t, head, symbols) if isinstance(t, list) else _from_object(t, head)
            for t in message["ticks"]]


def _from_array(t: list[Any], head: tuple[int, int, bool], symbols: Symbols) -> Tick:
    kind, symbol_id, seq, symbol_seq, flags, ts_event, ts_recv, a, b, c, d = t
    common = (symbols[symbol_id][0], *head, seq, symbol_seq, flags, ts_event, ts_recv)
    if kind == 0:
        return Quote(*common, a, b, c, d)
    if kind == 1:
        return Trade(*common, a, b, SIDES[c], None if d is None else int(d))
    return Status(*common, a, [b, c, d, 0]) if kind == 2 else Gap(*common, a, int(b), int(c), int(d))


def _from_object(t: dict[str, Any], head: tuple[int, int, bool]) -> Tick:
    kind = KINDS[t["kind"]]
    ts_event = None if t["tsEvent"] is None else int(t["tsEvent"])
    flags = sum(FLAGS[name] for name in t["flags"])
    common = (t["symbol"], *head, t["seq"], t["symbolSeq"], flags, ts_event, int(t["tsRecv"]))
    return kind(*common, *(t[camel(name)] for name in kind._fields[len(common):]))


BATCH = struct.Struct("<IIIHBBdIIIIIHH")
WORDS = struct.Struct("<HH")
COMPACT = struct.Struct("<HHIiHHii")
SIZED = struct.Struct("<HHIiHHiiII")
WIDE = struct.Struct("<HHIIHHIIII4d")
CODE = struct.Struct("<IH")
NO_TIME = 0xFFFFFFFF
SIZE_SCALES = (1, 10**2, 10**5, 10**8)
FLAG_MASK = 0x7F8


def unpack_frame(frame: bytes, symbols: Symbols) -> list[Batch]:
    """The batches of a packed frame."""
    if frame[1] != 1:
        raise ValueError(f"a frame of version {frame[1]}; this client reads version 1")
    (count,) = struct.unpack_from("<H", frame, 2)
    at, batches = 8, []
    for _ in range(count):
        (sub, _, size, shard, bits, unit, base, event_s, event_ns, recv_s, recv_ns, epoch, cursor_bytes,
         _) = BATCH.unpack_from(frame, at)
        at += BATCH.size
        cursor = base64.urlsafe_b64encode(frame[at:at + cursor_bytes]).rstrip(b"=").decode()
        at += (cursor_bytes + 7) // 8 * 8
        snapshot = bool(bits & 1)
        times = (event_s * 10**9 + event_ns, 10**unit, recv_s * 10**9 + recv_ns)
        ticks = _records(frame, at, at + size, (epoch, shard, snapshot), int(base), times, symbols)
        batches.append(Batch(sub, epoch, shard, cursor, snapshot, ticks))
        at += size
    return batches


def _records(frame: bytes, at: int, end: int, head: tuple[int, int, bool], base: int,
             times: tuple[int, int, int], symbols: Symbols) -> list[Tick]:
    event_base, unit, recv_base = times
    ticks: list[Tick] = []
    while at < end:
        symbol_id, word = WORDS.unpack_from(frame, at)
        name, digits = symbols[symbol_id]
        form = word >> 11 & 3
        if form == 0:
            ticks.append(_wide(WIDE.unpack_from(frame, at), CODE.unpack_from(frame, at + 32), name, head))
            at += WIDE.size
            continue
        if form == 1:
            _, _, symbol_seq, bid, spread, seq, event, recv = COMPACT.unpack_from(frame, at)
            bid_size = ask_size = 3
            at += COMPACT.size
        else:
            (_, _, symbol_seq, bid, spread, seq, event, recv, bid_size, ask_size) = SIZED.unpack_from(frame, at)
            at += SIZED.size
        power = 10**digits
        ticks.append(Quote(name, *head, base + seq, symbol_seq, word & FLAG_MASK, event_base + event * unit,
                           recv_base + recv, bid / power, (bid + spread) / power, _size(bid_size), _size(ask_size)))
    return ticks


def _size(word: int) -> float | None:
    return None if word == 3 else (word >> 2) / SIZE_SCALES[word & 3]


def _wide(fields: tuple[Any, ...], code: tuple[int, int], name: str, head: tuple[int, int, bool]) -> Tick:
    _, word, symbol_seq, low, _, high, event_s, event_ns, recv_s, recv_ns, a, b, c, d = fields
    seq = high << 32 | low
    event = None if event_s == NO_TIME else event_s * 10**9 + event_ns
    common = (name, *head, seq, symbol_seq, word & FLAG_MASK, event, recv_s * 10**9 + recv_ns)
    kind = word & 7
    if kind == 0:
        return Quote(*common, a, b, _known(c), _known(d))
    if kind == 1:
        return Trade(*common, a, _known(c), SIDES[word >> 9 & 3], None if math.isnan(d) else int(d))
    return Status(*common, code[1], [code[0], b, c, d]) if kind == 2 else Gap(*common, code[1], int(b), int(c), int(d))


def _known(x: float) -> float | None:
    return None if math.isnan(x) else x


def encode(encoding: str, message: dict[str, Any]) -> bytes | str:
    """A request, as it is sent."""
    return json.dumps(message) if encoding == "json" else msgpack.packb(message)


def decode(message: bytes | str, symbols: Symbols) -> list[Batch] | dict[str, Any]:
    """A message of the server: batches of ticks, or a control message."""
    if isinstance(message, bytes) and message[0] == 0xC1:
        return unpack_frame(message, symbols)
    content = json.loads(message) if isinstance(message, str) else msgpack.unpackb(message)
    if content["op"] != "ticks":
        return content
    whole = {"snapshot": False, **content, "ticks": ticks_of(content, symbols)}
    return [Batch(*(whole[name] for name in Batch._fields))]


# --- subscriptions


class RequestError(Exception):
    """The server refused a request, or ended a subscription."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.temporary: bool = error["temporary"]
        self.retry_ms: int = error.get("retryMs", 0)
        self.oldest: str | None = error.get("oldest")


class Refused(Exception):
    """The server does not want this client; connecting again is of no use."""


OtherLog = namedtuple("OtherLog", "cursor")  # stands between the ticks of two logs: where the second one goes on


class Subscription:
    """Ticks of some symbols: `async for tick in subscription`, or `subscription.everything()` for events too."""

    def __init__(self, client: Client, request: dict[str, Any]) -> None:
        self.client = client
        self.request = request
        #: The newest `subscribed`: effective settings, symbols, unknown names.
        self.settings: dict[str, Any] = {}
        #: Stands for every batch that was yielded to its end; keep it to go on in another process.
        self.cursor: str | None = None
        #: By symbol: how many ticks were conflated (or left out by `kinds`).
        self.conflated: Counter[str] = Counter()
        self.paused = False
        self._number: int | None = None  # on this connection
        self._received: str | None = request.get("from")  # where the next connection goes on
        self._items: deque[Any] = deque()
        self._arrived = asyncio.Event()
        self._batch: Iterator[Tick] = iter(())
        self._batch_cursor: str | None = None
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._steering = asyncio.Lock()
        self._log_id: str | None = None  # of the log that numbers its ticks
        self._counted: dict[tuple[int, int, str], list[int]] = {}

    async def __aiter__(self) -> AsyncIterator[Tick]:
        async for item in self.everything():
            if not isinstance(item, dict):
                yield item

    async def everything(self) -> AsyncIterator[Tick | dict[str, Any]]:
        """Ticks, and between them `symbols`, `catching_up`, `caught_up` and `rewound` as the server sent them.

        `afresh` is the client's own: the server does not know `cursor`, and what follows is what is newest.
        """
        while True:
            while (tick := next(self._batch, None)) is not None:
                self._count(tick)
                yield tick
            self.cursor = self._batch_cursor
            while not self._items:
                self._arrived.clear()
                await self._arrived.wait()
            item = self._items.popleft()
            self.client._moved.set()
            if isinstance(item, Batch):
                self._batch, self._batch_cursor = iter(item.ticks), item.cursor
            elif isinstance(item, dict):
                if item["op"] == "caught_up" and "cursor" in item:
                    self.cursor = self._batch_cursor = item["cursor"]
                yield item
            elif isinstance(item, OtherLog):
                self._counted.clear()
                self._batch_cursor = item.cursor
            elif item is None:
                return
            else:
                raise item

    async def pause(self) -> None:
        """What was received before is still yielded."""
        self.paused = True
        await self._steer({"op": "pause"})

    async def resume(self) -> None:
        self.paused = False
        if await self._steer({"op": "resume"}) is None:
            self.client._attach_soon(self)

    async def seek(self, from_: str | int | None = None, speed: float | str | None = None) -> None:
        """Goes on from another place: a cursor, a time, or None for the newest tick."""
        speed_field = {} if speed is None else {"speed": speed}
        place = {} if from_ is None else {"from": from_}
        self.request |= speed_field
        if await self._steer({"op": "seek", **place, **speed_field}) is None:
            self._move(from_, None)

    async def unsubscribe(self) -> None:
        """What was received before is still yielded; then the iteration ends."""
        self.client._subscriptions.discard(self)
        await self._steer({"op": "unsubscribe"})
        self.client._by_number.pop(self._number, None)
        self._put(None)

    async def _steer(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer; None while there is no connection, since the next one subscribes as things then are."""
        async with self._steering:
            if self._number is None:
                return None
            try:
                return await self.client.request(request | {"sub": self._number})
            except ConnectionError:
                return None

    def _put(self, item: Any) -> None:
        self._items.append(item)
        self._arrived.set()

    def _move(self, place: str | int | None, cursor: str | None) -> None:
        """What was received of the old place is forgotten."""
        self._received = place
        self._items.clear()
        self._batch, self._batch_cursor = iter(()), cursor
        self._counted.clear()

    def _count(self, tick: Tick) -> None:
        if tick.symbol_seq == 0 or tick.seq == 0:
            return  # a gap made for this subscription; state that an earlier epoch numbered
        if tick.snapshot and self.request.get("mode") == "every":
            return  # the stream goes on from the cursor, not from this tick
        first_newest = self._counted.setdefault((tick.epoch, tick.shard, tick.symbol), [tick.symbol_seq] * 2)
        first, newest = first_newest
        ahead = _distance(tick.symbol_seq, newest)
        if ahead > 0:
            first_newest[1] = tick.symbol_seq
            if tick.snapshot:
                first_newest[0] = tick.symbol_seq
            else:
                self.conflated[tick.symbol] += ahead - 1
        elif ahead < 0 and _distance(tick.symbol_seq, first) > 0:
            # A trade behind a newer quote: that one's jump counted it as conflated.
            self.conflated[tick.symbol] -= 1


def _distance(symbol_seq: int, other: int) -> int:
    return (symbol_seq - other + 2**31) % 2**32 - 2**31


# --- the client

QUEUE_MAX = 64  # batches that a subscription holds before reading stops, and with it the server
CONNECT_SECONDS = 10
CLOSE_SECONDS = 0.4  # for a server that does not answer; before version 14, websockets takes it three times
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 0.25, 30
RETRY_HINT = re.compile(r"retry in (\d+) ms$")
BROKEN = (OSError, TimeoutError)


def _status_of(refusal: Exception) -> int:
    """The HTTP status of a refused upgrade; 0 where there was none. From version 14 on it is the response's."""
    holder = getattr(refusal, "response", refusal)
    return getattr(holder, "status_code", 0)


class Client:
    """A connection that is made again whenever it breaks, and its subscriptions."""

    def __init__(self, url: str, encoding: str = "packed", token: str | None = None) -> None:
        self.url = url
        self.encoding = encoding
        self.token = token
        #: The newest `hello` and `heartbeat` of the server.
        self.hello: dict[str, Any] = {}
        self.heartbeat: dict[str, Any] = {}
        #: How many connections broke.
        self.losses = 0
        self._socket: Any = None
        self._symbols: Symbols = {}
        self._subscriptions: set[Subscription] = set()
        self._by_number: dict[int | None, Subscription] = {}
        self._waiting: dict[int, tuple[asyncio.Future[dict[str, Any]], Subscription | None]] = {}
        self._next_id = 0
        self._ready = asyncio.Event()
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._failed: Exception | None = None

    async def __aenter__(self) -> Client:
        """Returns once connected and authorised. Raises Refused."""
        self._main = asyncio.create_task(self._run())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({ready, self._main}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._failed is not None:
            raise self._failed
        return self

    async def __aexit__(self, *_: object) -> None:
        self._main.cancel()
        await asyncio.gather(self._main, return_exceptions=True)
        self._end_all(None)

    async def subscribe(self, symbols: list[str], **settings: Any) -> Subscription:
        """Settings as the protocol names them (`from_` for `from`); None leaves one out. Raises RequestError."""
        if self._failed is not None:
            raise self._failed
        named = {name.rstrip("_"): value for name, value in settings.items() if value is not None}
        subscription = Subscription(self, {"op": "subscribe", "symbols": symbols} | named)
        self._subscriptions.add(subscription)
        self._attach_soon(subscription)
        await subscription._started
        return subscription

    async def history(self, symbol: str, from_symbol_seq: int, to_symbol_seq: int,
                      **more: int) -> tuple[dict[str, Any], list[Tick]]:
        """The answer (`toSymbolSeq` says how far it reaches, `missing` what is not held) and its ticks."""
        answer = await self.request({"op": "history", "symbol": symbol, "fromSymbolSeq": from_symbol_seq,
                                     "toSymbolSeq": to_symbol_seq, **more})
        return answer, ticks_of(answer, {answer["symbolId"]: (symbol, answer["digits"])})

    async def ping(self) -> int:
        """The server's time."""
        return int((await self.request({"op": "ping"}))["time"])

    async def request(self, message: dict[str, Any], subscription: Subscription | None = None) -> dict[str, Any]:
        """The answer. Raises RequestError, or ConnectionError where there is no connection to get it from."""
        if self._socket is None:
            raise ConnectionError("not connected just now")
        self._next_id += 1
        number = self._next_id
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = (answer, subscription)
        self._moved.set()
        try:
            await self._socket.send(encode(self.encoding, message | {"id": number}))
            return await answer
        except websockets.ConnectionClosed as closed:
            raise ConnectionError(str(closed)) from closed
        finally:
            del self._waiting[number]

    async def _run(self) -> None:
        """Connects, reads until the connection breaks, waits, and does it again."""
        while self._failed is None:
            hint_ms = 0
            try:
                async with websockets.connect(
                    self.url, subprotocols=[f"ticks.{self.encoding}.v1"], open_timeout=CONNECT_SECONDS,
                    close_timeout=CLOSE_SECONDS, ping_interval=None, max_size=None, compression=None,
                ) as socket:
                    self._socket = socket
                    await self._read(socket)
            except websockets.ConnectionClosed as closed:
                code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
                if 4500 <= code <= 4999:
                    self._failed = self._failed or Refused(f"the server closed with {code}: {reason}")
                elif hint := RETRY_HINT.search(reason):
                    hint_ms = int(hint[1])
            except websockets.InvalidHandshake as refusal:
                status = _status_of(refusal)
                if 400 <= status < 500 and status != 429:
                    self._failed = Refused(f"the server refused the upgrade with HTTP {status}")
            except websockets.InvalidURI as wrong:
                self._failed = Refused(str(wrong))
            except (Refused, ValueError, KeyError, struct.error) as failure:
                self._failed = failure if isinstance(failure, Refused) else Refused(f"unreadable: {failure!r}")
            except BROKEN:
                pass
            finally:
                self._detach()
            if self._failed is None:
                await asyncio.sleep(self._backoff(hint_ms))
        self._end_all(self._failed)

    def _backoff(self, hint_ms: int) -> float:
        """Seconds: doubles with each failure in a row, less up to half at random, never before the hint."""
        delay = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2**min(self._failures, 10)) * random.uniform(0.5, 1)
        self._failures += 1
        return max(delay, hint_ms / 1000 * random.uniform(1, 1.2))

    def _detach(self) -> None:
        self.losses += self._socket is not None
        self._socket = None
        self._ready.clear()
        self._by_number.clear()
        for task in self._tasks:
            task.cancel()
        for subscription in self._subscriptions:
            subscription._number = None
        for answer, _ in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the connection broke before the answer came"))

    async def _read(self, socket: Any) -> None:
        self._symbols = {0: ENGINE}
        patience = float(CONNECT_SECONDS)
        while True:
            async with asyncio.timeout(patience):
                message = decode(await socket.recv(), self._symbols)
            if isinstance(message, list):
                self._failures = 0
                for batch in message:
                    await self._deliver(batch)
            elif message["op"] == "hello":
                self.hello = message
                # A server with nothing to say sends heartbeats: three missing ones are a dead connection.
                patience = 3 * message["heartbeatMs"] / 1000
                self._spawn(self._begin(socket))
            else:
                self._control(message)

    async def _begin(self, socket: Any) -> None:
        try:
            if self.hello["auth"] and self.token is None:
                self._failed = Refused("the server wants a token")
                return await socket.close()
            if self.hello["auth"]:
                await self.request({"op": "auth", "token": self.token})
        except ConnectionError:
            return
        except RequestError as error:
            if not error.temporary:
                self._failed = Refused(str(error))
            return await socket.close()
        self._ready.set()
        for subscription in self._subscriptions:
            self._attach_soon(subscription)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _attach_soon(self, subscription: Subscription) -> None:
        if self._ready.is_set():
            self._spawn(self._attach(subscription))

    async def _attach(self, subscription: Subscription, delay: float = 0) -> None:
        """Subscribes, from where the subscription stands, and again while the server only puts it off."""
        async with subscription._steering:
            await asyncio.sleep(delay)
            while subscription._number is None and not subscription.paused:
                request = {name: value for name, value in subscription.request.items() if name != "from"}
                place = {} if subscription._received is None else {"from": subscription._received}
                try:
                    await self.request(request | place, subscription)
                except ConnectionError:
                    return
                except RequestError as error:
                    if subscription._started.done() and place and self._may_start_afresh(request, error):
                        subscription._received = None
                        subscription._put({"op": "afresh", "cursor": place["from"], "code": error.code,
                                           "message": str(error)})
                    elif error.temporary:
                        await asyncio.sleep(self._backoff(error.retry_ms))
                    else:
                        return self._end(subscription, error)

    @staticmethod
    def _may_start_afresh(request: dict[str, Any], error: RequestError) -> bool:
        """Nothing is told of what follows a cursor of another log; in `latest` the state stands for all of it."""
        if request.get("mode") == "every":
            return error.code == "cursor_unknown"
        return error.code.startswith("cursor_")

    async def _deliver(self, batch: Batch) -> None:
        subscription = self._by_number.get(batch.sub)
        if subscription is None:
            return
        if not batch.snapshot:
            subscription._received = batch.cursor
        subscription._put(batch)
        # Reading stops while nobody takes the ticks, except for an answer, which comes behind them.
        while len(subscription._items) >= QUEUE_MAX and not self._waiting:
            self._moved.clear()
            await self._moved.wait()

    def _control(self, message: dict[str, Any]) -> None:
        op, sub = message["op"], message.get("sub")
        for symbol in message.get("symbols", ()):
            self._symbols[symbol["symbolId"]] = (symbol["symbol"], symbol["digits"])
        answer, subscription = self._waiting.get(message.get("id"), (None, self._by_number.get(sub)))
        if op == "heartbeat":
            self._failures = 0
            self.heartbeat = message
        elif op == "subscribed" and subscription is not None:
            self._attached(subscription, message)
        elif op == "sought" and sub in self._by_number:
            self._by_number[sub]._move(message["cursor"], message["cursor"])
        elif op == "error" and answer is None and subscription is not None:
            del self._by_number[sub]
            subscription._number = None
            if message["temporary"]:
                self._spawn(self._attach(subscription, self._backoff(message.get("retryMs", 0))))
            else:
                self._end(subscription, RequestError(message))
        elif answer is None and subscription is not None:
            if op == "caught_up" and "cursor" in message:
                subscription._received = message["cursor"]
            subscription._put(message)
        if answer is not None and not answer.done():
            if op == "error":
                answer.set_exception(RequestError(message))
            else:
                answer.set_result(message)

    def _attached(self, subscription: Subscription, message: dict[str, Any]) -> None:
        subscription._number = message["sub"]
        subscription.settings = message
        if subscription._log_id not in (None, self.hello["logId"]):
            subscription._put(OtherLog(message["cursor"]))
        subscription._log_id = self.hello["logId"]
        self._by_number[message["sub"]] = subscription
        # The state at the start of `latest` is not part of a cursor: before it has come, a fresh start is needed.
        if message["mode"] == "every" or subscription._received is not None:
            subscription._received = message["cursor"]
        if not subscription._started.done():
            subscription._batch_cursor = message["cursor"]
            subscription._started.set_result(None)

    def _end(self, subscription: Subscription, error: Exception | None) -> None:
        self._subscriptions.discard(subscription)
        if subscription._started.done():
            subscription._put(error)
        else:
            subscription._started.set_exception(error or ConnectionError("the client was closed"))

    def _end_all(self, error: Exception | None) -> None:
        for subscription in list(self._subscriptions):
            self._end(subscription, error)


# --- the command line


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Prints the ticks of a tickwire server.")
    parser.add_argument("url", help="for example ws://127.0.0.1:8080/v1/stream")
    parser.add_argument("symbols", nargs="+", help="names and patterns: EURUSD 'XAU*'")
    parser.add_argument("--encoding", choices=ENCODINGS, default="packed")
    parser.add_argument("--mode", choices=("latest", "every"), default="latest")
    parser.add_argument("--kinds", type=lambda text: text.split(","), help="of quote,trade,status,gap; default all")
    parser.add_argument("--interval-ms", type=float)
    parser.add_argument("--no-snapshot", dest="snapshot", action="store_const", const=False)
    parser.add_argument("--from", dest="from_", help="a cursor, ISO 8601, or UNIX nanoseconds")
    parser.add_argument("--speed", type=lambda text: text if text == "max" else float(text),
                        help="recorded seconds per second, or max")
    parser.add_argument("--deliver", choices=("published", "durable"))
    parser.add_argument("--token")
    parser.add_argument("--count", type=int, default=0, help="ends after so many ticks")
    parser.add_argument("--json", action="store_true", help="a JSON object per tick")
    parser.add_argument("--events", action="store_true", help="also what the server says between ticks")
    return parser.parse_args()


async def _print(options: argparse.Namespace) -> None:
    left = options.count
    async with Client(options.url, options.encoding, options.token) as client:
        subscription = await client.subscribe(
            options.symbols, mode=options.mode, kinds=options.kinds, intervalMs=options.interval_ms,
            snapshot=options.snapshot, from_=options.from_, speed=options.speed, deliver=options.deliver,
        )
        async for item in subscription.everything():
            if isinstance(item, dict):
                if options.events:
                    print(json.dumps(item), flush=True)
                if item["op"] == "afresh":
                    print(f"tickwire: {item['message']} What came meanwhile is not told.", file=sys.stderr)
                continue
            print(json.dumps(as_json(item)) if options.json else item, flush=True)
            left -= 1
            if left == 0:
                return


if __name__ == "__main__":
    try:
        asyncio.run(_print(_options()))
    except (RequestError, Refused) as failure:
        sys.exit(f"tickwire: {failure}")
    except (KeyboardInterrupt, BrokenPipeError):
        pass
