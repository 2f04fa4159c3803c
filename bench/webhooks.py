"""Measures webhooks under load: how many are acknowledged a second, and what they wait for.

usage: python3 bench/webhooks.py EVENTS.ndjson UPSWELL MEASURE RESULTS.jsonl [--rounds N] [--seconds N] [--only NAME]

UPSWELL and MEASURE are the release builds of upswell and of bench/measure, EVENTS a file of bench/generate. In each round
everything runs once, in another order each time, on fresh stores beside RESULTS: upswell on SQLite and on PostgreSQL,
stripe-sync-engine on Fastify on the same PostgreSQL (`npm install` in bench/peers/stripe-sync), and a bare loop that
only inserts the same bodies with the same durability, one body a commit and 64. First 64 connections send as fast as
they are answered, then at half of that rate, where the latencies are taken. Figures are added to RESULTS, so that
rounds can be run one by one; printed is a table in Markdown of the medians of all that is there.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from serving import SECRET, Postgres, free_port, wait_for

HERE = pathlib.Path(__file__).resolve().parent


class Watch(threading.Thread):
    """Looks at the ledger's lag and at the process's memory while it is under load."""

    def __init__(self, port, pid, every=0.25):
        super().__init__(daemon=True)
        self.port, self.pid, self.every, self.lags, self.memory = port, pid, every, [], []
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.wait(self.every):
            self.memory.append(resident(self.pid))
            lag = self.gauge("upswell_settlement_lag_seconds")
            if lag is not None:
                self.lags.append(lag)

    def gauge(self, name):
        try:
            page = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10).read().decode()
        except OSError:
            return None
        return next((float(line.split()[-1]) for line in page.splitlines() if line.startswith(name + " ")), None)

    def end(self):
        self.is_over.set()
        self.join()


def resident(pid):
    """MiB that a process holds in memory."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Bench:
    def __init__(self, asked, folder, postgres):
        self.asked, self.folder, self.postgres, self.number = asked, folder, postgres, 0

    def database(self):
        self.number += 1
        return self.postgres.database(f"of_{self.number}")

    def webhooks(self, port, prefix, *more):
        command = [self.asked.measure, "webhooks", self.asked.events, "--secret", SECRET, "--prefix", prefix,
                   "--address", f"127.0.0.1:{port}", "--seconds", str(self.asked.seconds), *more]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    def under_load(self, command, environment, port, has_ledger):
        server = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            watch = Watch(port, server.pid)
            if has_ledger:
                watch.start()
            full = self.webhooks(port, "full", "--events", str(self.asked.most))
            told = {"a_second": full["a_second"], "p50_full_ms": full["p50_ms"], "p99_full_ms": full["p99_ms"],
                    "refused": full["refused"]}
            if has_ledger:
                watch.end()
                told["lag_s"] = max(watch.lags, default=None)
                begun = time.monotonic()
                while (watch.gauge("upswell_inbox_pending") or 0) > 0:
                    time.sleep(0.1)
                told["settled_after_s"] = time.monotonic() - begun
            half = int(full["a_second"] / 2)
            rate = ["--rate", str(half), "--events", str(half * self.asked.seconds)]
            paced = self.webhooks(port, "half", *rate)
            told |= {"half": half, "p50_ms": paced["p50_ms"], "p99_ms": paced["p99_ms"],
                     "refused": full["refused"] + paced["refused"]}
            return told
        finally:
            server.terminate()
            server.wait()

    def upswell(self, url):
        port = free_port()
        environment = {"DATABASE_URL": url, "STRIPE_WEBHOOK_SECRET": SECRET, "UPSWELL_LISTEN": f"127.0.0.1:{port}",
                       "UPSWELL_LOG": "off"}
        return self.under_load([self.asked.upswell, "serve"], environment, port, True)

    def sync_engine(self, pool):
        port = free_port()
        environment = {"DATABASE_URL": self.database(), "STRIPE_WEBHOOK_SECRET": SECRET, "PORT": str(port),
                       "POOL": str(pool), "NODE_ENV": "production"}
        return self.under_load(["node", HERE / "peers/stripe-sync/server.cjs"], environment, port, False)

    def commits(self, url, bodies):
        command = [self.asked.measure, "commits", self.asked.events, url, str(bodies), str(self.asked.seconds)]
        done = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return {"a_second": done["a_second"]}

    def file(self, name):
        return f"sqlite://{self.folder}/{name}.db"

    def all(self):
        return {
            "upswell, SQLite": lambda: self.upswell(self.file("ours") + "?mode=rwc"),
            "upswell, PostgreSQL": lambda: self.upswell(self.database()),
            "stripe-sync-engine on Fastify, PostgreSQL": lambda: self.sync_engine(10),
            "bare loop, SQLite, 1 body a commit": lambda: self.commits(self.file("bare_1"), 1),
            "bare loop, SQLite, 64 bodies a commit": lambda: self.commits(self.file("bare_64"), 64),
            "bare loop, PostgreSQL, 1 body a commit": lambda: self.commits(self.database(), 1),
            "bare loop, PostgreSQL, 64 bodies a commit": lambda: self.commits(self.database(), 64),
        }


def table(results):
    print("| | a second (least to most) | p50 / p99 at half of it | longest lag, settled after |")
    print("|---|---|---|---|")
    names = list(dict.fromkeys(result["name"] for result in results))
    for name in sorted(names):
        of = [result for result in results if result["name"] == name]

        def median(key):
            told = [result[key] for result in of if result.get(key) is not None]
            return statistics.median(told) if told else None

        rates = [result["a_second"] for result in of]
        cells = [f"{median('a_second'):,.0f} ({min(rates):,.0f} to {max(rates):,.0f}; {len(of)} rounds)", "", ""]
        if median("p99_ms") is not None:
            cells[1] = f"{median('p50_ms'):.1f} / {median('p99_ms'):.1f} ms"
        if median("settled_after_s") is not None:
            cells[2] = f"{median('lag_s'):.0f} s, {median('settled_after_s'):.1f} s"
        print(f"| {name} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for path in ("events", "upswell", "measure", "results"):
        parser.add_argument(path, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--most", type=int, default=90_000, help="deliveries at full speed at most")
    parser.add_argument("--only", default="", help="what has this in its name")
    asked = parser.parse_args()
    for name in ("events", "upswell", "measure", "results"):
        setattr(asked, name, getattr(asked, name).resolve())
    for _ in range(asked.rounds):
        folder = pathlib.Path(tempfile.mkdtemp(dir=asked.results.parent))
        folder.chmod(0o755)
        postgres = Postgres(folder)
        try:
            bench = Bench(asked, folder, postgres)
            names = [name for name in bench.all() if asked.only in name]
            random.shuffle(names)
            for name in names:
                result = {"name": name, **bench.all()[name]()}
                print(json.dumps(result), file=sys.stderr, flush=True)
                with asked.results.open("a") as results:
                    results.write(json.dumps(result) + "\n")
        finally:
            postgres.stop()
            shutil.rmtree(folder)
    if asked.results.exists():
        table([json.loads(line) for line in asked.results.read_text().splitlines()])


if __name__ == "__main__":
    main()
