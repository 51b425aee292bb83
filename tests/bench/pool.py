"""The night as it is done by hand today: a script, a pool of processes, one modem each, and `Pool.map` over the lines.

It knows nothing that lineman knows: it takes the lines in the order of the list, waits for what modems and consoles say
with the same limits as the plan has, and calls a line that failed once more, at once. Nothing but Python is needed.

    pool.py PORTS LINES PACE

PORTS: a folder with one pty a modem, `m00`, `m01` ..; LINES: one number a line; PACE: how many times slower a real night is
(waits of the script's own are shortened alike). Prints one line a call.
"""

import multiprocessing
import os
import re
import select
import sys
import termios
import time
import tty

DIAL, PROMPT, LOGIN, HANGUP = 40, 4, 8, 8  # seconds, the plan's limits
LOGIN_PROMPT = rb"(?i)(username|login): ?$"
PASSWORD_PROMPT = rb"(?i)password: ?$"
SHELL_PROMPT = rb"[>#$] ?$"
DIALED = rb"CONNECT|BUSY|NO CARRIER|NO ANSWER|NO DIAL ?TONE|ERROR|VOICE|FAX"

modem = None
pace = 1.0


class Modem:
    def __init__(self, path):
        self.port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.port, termios.TCSANOW)
        self.command("ATZ")
        self.command("ATE0V1X4")

    def send(self, text):
        os.write(self.port, text.encode())

    def expect(self, pattern, seconds):
        """What was heard up to the pattern; nothing if it did not come in time."""
        heard, end = b"", time.monotonic() + seconds
        while True:
            if re.search(pattern, heard):
                return heard
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.port], [], [], left)[0]:
                return None
            heard += os.read(self.port, 4096)

    def command(self, text):
        termios.tcflush(self.port, termios.TCIFLUSH)
        self.send(text + "\r")
        return self.expect(rb"OK\r\n|ERROR\r\n", 2)

    def hang_up(self):
        # A pty has no DTR: the escape, with its guard times, and ATH.
        time.sleep(1.1 * pace)
        self.send("+++")
        time.sleep(1.1 * pace)
        self.command("ATH")


def begin(ports, its_pace):
    """Each process of the pool takes the next modem."""
    global modem, pace
    pace = its_pace
    modem = Modem(ports.get())


def log_in():
    modem.send("\r")
    if not modem.expect(LOGIN_PROMPT, PROMPT):
        return "no login prompt"
    modem.send("oob\r")
    if not modem.expect(PASSWORD_PROMPT, LOGIN):
        return "no password prompt"
    modem.send("bench-only\r")
    if not modem.expect(SHELL_PROMPT, LOGIN):
        return "no command prompt"
    modem.send("exit\r")
    return None


def call(number):
    began = time.monotonic()
    termios.tcflush(modem.port, termios.TCIFLUSH)
    modem.send(f"ATDT{number}\r")
    heard = modem.expect(DIALED, DIAL)
    if heard is None:
        modem.send("\r")
        modem.expect(rb"NO CARRIER|OK", 2)
        found = "nobody answered"
    elif b"CONNECT" in heard:
        found = log_in()
        # Some consoles give the carrier up by themselves, others keep it.
        if not modem.expect(rb"NO CARRIER", 1.0 * pace):
            modem.hang_up()
    else:
        found = re.search(DIALED, heard).group().decode()
    return found, time.monotonic() - began


def line(number):
    for attempt in (1, 2):
        found, took = call(number)
        print(number, attempt, found or "ok", f"{took:.2f}", flush=True)
        if found is None:
            break


def main():
    folder, lines, its_pace = sys.argv[1], sys.argv[2], float(sys.argv[3])
    modems = sorted(name for name in os.listdir(folder) if re.fullmatch(r"m\d+", name))
    ports = multiprocessing.Queue()
    for name in modems:
        ports.put(os.path.join(folder, name))
    with open(lines) as numbers:
        numbers = numbers.read().split()
    with multiprocessing.Pool(len(modems), begin, (ports, its_pace)) as pool:
        pool.map(line, numbers)


if __name__ == "__main__":
    main()
