"""Measures what must not grow: a server's memory over many deliveries, and what an event costs where many are stored.

usage: python3 bench/steady.py memory EVENTS.ndjson UPSWELL MEASURE [--postgres] [--deliveries N] [--rate N]
       python3 bench/steady.py growth EVENTS.ndjson UPSWELL MEASURE [--postgres] [--rounds N] [--small N] [--most N]
                                                                 [--large URL]

`memory` sends N deliveries (1,000,000) at a rate, or without one as fast as 64 connections are answered, to a server on a
fresh store, and prints what the process held after each hundred thousand. `growth` backfills the first 10,000 events into
one store and all into another (or takes the one that --large names), then sends both the same new customers' events in turns, and prints what each event took:
processor time of the server until all is settled, and how many were acknowledged a second.
"""

import argparse
import itertools
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from serving import SECRET, Postgres, free_port, wait_for
from webhooks import Watch, resident

A_SLICE = 100_000


class Server:
    def __init__(self, asked, url):
        self.asked, self.port = asked, free_port()
        environment = {"DATABASE_URL": url, "STRIPE_WEBHOOK_SECRET": SECRET, "UPSWELL_LOG": "off",
                       "UPSWELL_LISTEN": f"127.0.0.1:{self.port}"}
        self.process = subprocess.Popen([asked.upswell, "serve"], env={**os.environ, **environment},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port)
        self.watch = Watch(self.port, self.process.pid)

    def send(self, *more):
        command = [self.asked.measure, "webhooks", self.asked.events, "--secret", SECRET, "--address",
                   f"127.0.0.1:{self.port}", "--seconds", "600", *map(str, more)]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    def settle(self):
        while (self.watch.gauge("upswell_inbox_pending") or 0) > 0:
            time.sleep(0.05)

    def processor(self):
        """Seconds of processor time that the process took."""
        told = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def memory(asked, folder, postgres):
    server = Server(asked, postgres.database("steady") if postgres else f"sqlite://{folder}/steady.db?mode=rwc")
    watch, begun, done = server.watch, time.monotonic(), 0
    watch.start()
    print("| deliveries | seconds | MiB held | longest lag |\n|---|---|---|---|")
    try:
        while done < asked.deliveries:
            rate = ["--rate", asked.rate] if asked.rate else []
            many = min(A_SLICE, asked.deliveries - done)
            sent = server.send("--from", done, "--events", many, "--prefix", "m", *rate)
            if sent["refused"] or sent["acknowledged"] != many:
                print(f"{sent['refused']} refused, {sent['acknowledged']} acknowledged of {many}", file=sys.stderr)
            done += many
            lag, watch.lags = max(watch.lags, default=0), []
            held = resident(server.process.pid)
            print(f"| {done:,} | {time.monotonic() - begun:.0f} | {held:.0f} | {lag:.0f} s |", flush=True)
    finally:
        watch.end()
        print(f"most held at any time: {max(watch.memory):.0f} MiB")
        server.stop()


def growth(asked, folder, postgres):
    small = folder / "small.ndjson"
    with asked.events.open("rb") as events, small.open("wb") as first:
        first.writelines(itertools.islice(events, asked.small))
    urls, told = {}, {"small": [], "large": []}
    for name, file in (("small", small), ("large", asked.events)):
        if name == "large" and asked.large:
            urls[name] = asked.large
            continue
        urls[name] = postgres.database(name) if postgres else f"sqlite://{folder}/{name}.db?mode=rwc"
        begun = time.monotonic()
        subprocess.run([asked.upswell, "backfill", file], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env={**os.environ, "DATABASE_URL": urls[name]})
        print(f"{name}: backfilled in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    for url in urls.values():
        # What a server makes in its first minutes: it is no part of what an event costs.
        subprocess.run([asked.upswell, "rollup"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DATABASE_URL": url})
    # A store that is measured again knows the events of the time before.
    run = f"{int(time.time()):x}"
    for number in range(asked.rounds):
        for name in sorted(urls, reverse=number % 2 == 0):
            server = Server(asked, urls[name])
            try:
                server.settle()
                before = server.processor()
                sent = server.send("--events", asked.most, "--prefix", f"g{run}{number}")
                server.settle()
                cost = (server.processor() - before) / sent["acknowledged"] * 1e6
            finally:
                server.stop()
            told[name].append((cost, sent["a_second"]))
            print(f"round {number + 1}, {name}: {cost:.0f} µs, {sent['a_second']:.0f} a second", file=sys.stderr)
    print("| store | processor µs an event, acknowledged and settled | acknowledged a second |\n|---|---|---|")
    for name, of in told.items():
        costs, rates = zip(*of)
        print(f"| {name} | {statistics.median(costs):.0f} ({min(costs):.0f} to {max(costs):.0f}) "
              f"| {statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["memory", "growth"])
    for path in ("events", "upswell", "measure"):
        parser.add_argument(path, type=pathlib.Path)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int)
    # The store that goes second in a pair pays for what the first one left to be written: so an even number.
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--large", help="a store that is filled already, instead of one made of EVENTS")
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--most", type=int, default=20_000)
    asked = parser.parse_args()
    for name in ("events", "upswell", "measure"):
        setattr(asked, name, getattr(asked, name).resolve())
    folder = pathlib.Path(tempfile.mkdtemp(dir=asked.events.parent))
    folder.chmod(0o755)
    postgres = Postgres(folder) if asked.postgres else None
    try:
        {"memory": memory, "growth": growth}[asked.part](asked, folder, postgres)
    finally:
        if postgres:
            postgres.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
