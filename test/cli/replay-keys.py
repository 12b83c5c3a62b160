"""Drives `ticks replay` through a pseudo-terminal, as a person at a keyboard does.

Usage: replay-keys.py FOLDER NODE TICKS DATA. Prints what came of it as one JSON object. Ticks go to a file, the
terminal has the keys and the line that shows where the replay is.
"""

import json
import os
import pty
import select
import signal
import sys
import termios
import time

DEADLINE = time.monotonic() + 60
folder, node, ticks, data = sys.argv[1:]
screen = b""


def read(master):
    """Takes what the terminal has to show; False at its end."""
    global screen
    if time.monotonic() > DEADLINE:
        raise SystemExit("too slow; the screen so far: " + screen.decode(errors="replace")[-2000:])
    if not select.select([master], [], [], 0.1)[0]:
        return True
    try:
        chunk = os.read(master, 65536)
    except OSError:
        return False
    screen += chunk
    return chunk != b""


def until(master, *wanted):
    """Waits until the screen shows one of these texts after what was shown so far."""
    global screen
    while not any(text.encode() in screen for text in wanted):
        if not read(master):
            raise SystemExit("ended early: " + screen.decode(errors="replace")[-2000:])
    screen = b""


def is_raw(master):
    return termios.tcgetattr(master)[3] & termios.ICANON == 0


def lines():
    with open(os.path.join(folder, "ticks.ndjson")) as file:
        return [line for line in file.read().split("\n")[:-1]]


def settled():
    """How many lines there are once none have been added for a while."""
    count, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5:
        read(master)
        now = len(lines())
        if now != count:
            count, since = now, time.monotonic()
    return count


pid, master = pty.fork()
if pid == 0:
    out = os.open(os.path.join(folder, "ticks.ndjson"), os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(out, 1)
    os.environ["COLUMNS"] = "100"
    os.execv(node, [node, ticks, "replay", "--data", data, "--speed", "1"])

result = {}
before = None
until(master, "space pauses")
result["raw"] = is_raw(master)
until(master, "ticks/s")
os.write(master, b" ")
until(master, "paused")
result["paused"] = settled()
time.sleep(0.5)
result["stillPaused"] = settled()
os.write(master, b"+")
os.write(master, b" ")
until(master, "\u00d72")
os.write(master, b"g")
until(master, "go to")
os.write(master, b"nonsense\r")
until(master, "is no time")
os.write(master, b" ")
until(master, "paused")
count = settled()
os.write(master, b"\x1b[D")
os.write(master, b"\x1b[D")
os.write(master, b" ")
while len(lines()) == count:
    read(master)
after = lines()
result["beforeBack"] = json.loads(after[count - 1])["seq"]
result["afterBack"] = json.loads(after[count])["seq"]
os.kill(pid, signal.SIGINT)
while read(master):
    pass
_, status = os.waitpid(pid, 0)
result["rawAfter"] = is_raw(master)
result["code"] = os.waitstatus_to_exitcode(status)
result["shown"] = screen.decode(errors="replace")[-200:]
print(json.dumps(result))
