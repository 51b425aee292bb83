"""The job as it is done by hand: one function that calls a line, and multiprocessing.Pool.map over all of them.

No part of lineman, and nothing of it is used: what a network engineer writes in an afternoon with pySerial, written with
some care. It dials with AT commands, logs in, looks for the host's name in the prompt, logs out and hangs up; a line that
did not pass is called once more. What the exchange's log says of its calls is compared with lineman's night.

    pool_map.py LINES.csv PORTS CHUNK|auto OUT.csv

LINES.csv has `id,number,hostname`; PORTS is a folder with one tty per modem.
"""

import csv
import multiprocessing
import os
import re
import sys
import time

import serial

USERNAME, PASSWORD = "oob", "bench-only"
DIAL_S, PROMPT_S, LOGIN_S, LOGOUT_S, OK_S = 40, 4, 8, 3, 3
CALLS_MAX = 2
DEAD = re.compile(rb"BUSY|NO CARRIER|NO ANSWER|NO DIAL ?TONE|VOICE|FAX|ERROR")

port = None


def expect(pattern, limit_s):
    """What was read up to the first match, and the match; None as the match once the time is over."""
    heard, until = b"", time.monotonic() + limit_s
    pattern = re.compile(pattern)
    while (left := until - time.monotonic()) > 0:
        port.timeout = min(left, 0.05)
        heard += port.read(port.in_waiting or 1)
        if found := pattern.search(heard):
            return heard, found
    return heard, None


def send(text):
    port.write(text.encode() + b"\r")


def on_hook():
    """Hangs up what the console has not: the guard time of +++, then ATH."""
    if expect(rb"NO CARRIER", LOGOUT_S)[1] is None:
        time.sleep(1.1)
        port.write(b"+++")
        expect(rb"OK", OK_S)
        send("ATH")
        expect(rb"OK|ERROR|NO CARRIER", OK_S)
    port.reset_input_buffer()
    send("AT")
    return expect(rb"OK", OK_S)[1] is not None


def call(number, hostname):
    port.reset_input_buffer()
    send("ATE0V1")
    expect(rb"OK|ERROR", OK_S)
    send("ATDT1" + number.removeprefix("+1"))
    heard, found = expect(rb"CONNECT[^\r]*\r|" + DEAD.pattern, DIAL_S)
    if found is None:
        # A character ends the dialing.
        send("")
        expect(rb"NO CARRIER|OK", OK_S)
        return "no-connect"
    if not found[0].startswith(b"CONNECT"):
        return found[0].decode("ascii", "replace").lower()
    said = b""
    for answer, limit in ((None, PROMPT_S), (USERNAME, LOGIN_S), (PASSWORD, LOGIN_S)):
        send(answer or "")
        wanted = {None: rb"(?i)(login|username|user name): ?$", USERNAME: rb"(?i)password: ?$"}.get(answer, rb"[>#$] ?$")
        heard, found = expect(wanted + rb"|NO CARRIER", limit)
        said += heard
        if found is None or found[0].startswith(b"NO"):
            on_hook()
            return "no-login"
    send("exit")
    proven = on_hook()
    if hostname.encode() not in said:
        return "wrong-host"
    return "pass" if proven else "hang-up"


def line(row):
    for attempt in range(CALLS_MAX):
        verdict = call(row["number"], row["hostname"])
        if verdict == "pass":
            break
    return row["id"], verdict, attempt + 1


def take_port(paths):
    global port
    port = serial.Serial(paths.get(), 115200, timeout=0.05, exclusive=True)


def main():
    lines, folder, chunk, out = sys.argv[1:]
    with open(lines, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    modems = sorted(name for name in os.listdir(folder) if re.fullmatch(r"m\d+", name))
    paths = multiprocessing.Queue()
    for name in modems:
        paths.put(os.path.join(folder, name))
    with multiprocessing.Pool(len(modems), take_port, (paths,)) as pool:
        results = pool.map(line, rows, chunksize=None if chunk == "auto" else int(chunk))
    with open(out, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(results)


if __name__ == "__main__":
    main()
