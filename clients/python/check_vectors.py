"""Compares this client's decoders and encoders with the golden vectors: check_vectors.py ../../fixtures/wire"""
import base64
import json
import sys
from pathlib import Path
from typing import Any

import msgpack
from tickwire import ENGINE, Batch, as_json, decode, encode, ticks_of


def plain(message: Any, symbols: dict[int, tuple[str, int]]) -> Any:
    """What was decoded, in the form of `expect`."""
    if isinstance(message, list):
        return {"op": "ticks", "batches": [batch_as_json(batch) for batch in message]}
    if "ticks" in message:
        return message | {"ticks": [as_json(tick) for tick in ticks_of(message, symbols)]}
    return {key: str(value) if is_wide(value) else value for key, value in message.items()}


def batch_as_json(batch: Batch) -> dict[str, Any]:
    return batch._asdict() | {"ticks": [as_json(tick) for tick in batch.ticks]}


def is_wide(value: Any) -> bool:
    return isinstance(value, int) and value >= 2**53


def narrow(message: dict[str, Any], encoding: str) -> dict[str, Any]:
    """A request to encode: a time is an integer, but in JSON, where only text keeps it whole."""
    place = message.get("from", "")
    return message | {"from": int(place)} if encoding == "msgpack" and place.isdecimal() else message


def main(folder: str) -> int:
    golden = json.loads((Path(folder) / "messages.json").read_text())
    symbols = {0: ENGINE} | {s["symbolId"]: (s["symbol"], s["digits"]) for s in golden["symbols"]}
    checked = wrong = 0
    for vector in golden["vectors"]:
        for encoding in ("json", "msgpack", "packed"):
            if encoding not in vector:
                continue
            message = vector[encoding] if encoding == "json" else base64.b64decode(vector[encoding])
            pairs = [("is read as", plain(decode(message, symbols), symbols), vector["expect"])]
            if vector["from"] == "client":
                sent = encode(encoding, narrow(vector["expect"], encoding))
                # One value has several forms in both encodings, so what is compared is what they say.
                read = json.loads if encoding == "json" else msgpack.unpackb
                pairs.append(("is sent as", read(sent), read(message)))
            for what, found, due in pairs:
                checked += 1
                if found != due:
                    wrong += 1
                    print(f"{vector['name']} in {encoding} {what}\n  {found}\nnot\n  {due}")
    print(json.dumps({"checked": checked, "wrong": wrong}))
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else "usage: check_vectors.py FOLDER")
