"""Measures a backfill beside the machine's limits and two peers, on the same file, in turns.

usage: python3 bench/backfill.py EVENTS.ndjson UPSWELL MEASURE [--rounds N] [--no-peers]

UPSWELL and MEASURE are the release builds of upswell and of bench/measure. In each round every command runs once,
in another order each time, on fresh files beside EVENTS. Prints a table in Markdown: medians, with the least and
the most. Needs the package `duckdb` for the peers (pip install duckdb).
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
SETTLED = "upswell: file to settled ledger"
REPORTED = "upswell: file to report of 35 months"


def run(command, environment=None, output=os.devnull):
    """Runs a command; seconds by the clock, seconds of processor, peak memory in MiB."""
    begun = time.monotonic()
    out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    errors = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, errors, 2)]
    child = os.posix_spawnp(command[0], command, {**os.environ, **(environment or {})}, file_actions=actions)
    _, status, used = os.wait4(child, 0)
    os.close(out)
    os.close(errors)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "seconds": time.monotonic() - begun,
        "processor": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss / 1024,
    }


def added(*parts):
    return {
        "seconds": sum(part["seconds"] for part in parts),
        "processor": sum(part["processor"] for part in parts),
        "memory": max(part["memory"] for part in parts),
    }


def commands(asked, folder):
    """What is measured: each runs on fresh files and gives results by name."""
    events, upswell, measure = str(asked.events), str(asked.upswell), str(asked.measure)

    def ours():
        """One backfill, and the report of what it made: two results of one run."""
        at = {"DATABASE_URL": f"sqlite://{folder}/ours.db?mode=rwc"}
        fed = run([upswell, "backfill", events], at)
        report = [upswell, "report", "--from", "2023-12", "--to", "2026-10", "--format", "json"]
        told = run(report, at, str(folder / "ours.json"))
        return {SETTLED: fed, REPORTED: added(fed, told)}

    def one(name, command):
        return lambda: {name: run(command)}

    def peer(name, model):
        return one(name, [sys.executable, str(HERE / "peers/run.py"), str(HERE / "peers" / model), events])

    measured = [
        one("limit: read and parse alone, all cores", [measure, "parse", events]),
        one("limit: one prepared transaction, same bytes", [measure, "insert", events, str(folder / "limit.db")]),
        ours,
    ]
    if not asked.no_peers:
        measured += [
            peer("DuckDB, month grid as with dbt: file to roll-forward", "grid.sql"),
            peer("DuckDB, Sigma-style changes: file to roll-forward", "sigma.sql"),
        ]
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", type=pathlib.Path)
    parser.add_argument("upswell", type=pathlib.Path)
    parser.add_argument("measure", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true")
    asked = parser.parse_args()
    asked.events, asked.upswell, asked.measure = (p.resolve() for p in (asked.events, asked.upswell, asked.measure))
    count = sum(block.count(b"\n") for block in iter(lambda f=asked.events.open("rb"): f.read(1 << 24), b""))
    results = {}
    for number in range(asked.rounds):
        order = list(range(len(commands(asked, pathlib.Path()))))
        random.Random(number).shuffle(order)
        for place in order:
            folder = pathlib.Path(tempfile.mkdtemp(dir=asked.events.parent))
            try:
                told = commands(asked, folder)[place]()
            finally:
                shutil.rmtree(folder)
            for name, result in told.items():
                results.setdefault(name, []).append(result)
                print(f"round {number + 1}: {name}: {json.dumps(result)}", file=sys.stderr)
    print(f"{count:,} events, {asked.events.stat().st_size / 1e6:,.0f} MB, {asked.rounds} rounds\n")
    print("| | seconds (least to most) | events a second | processor seconds | peak memory |")
    print("|---|---|---|---|---|")
    for name in sorted(results):
        told = {key: [result[key] for result in results[name]] for key in ("seconds", "processor", "memory")}
        seconds = statistics.median(told["seconds"])
        print(
            f"| {name} | {seconds:.1f} ({min(told['seconds']):.1f} to {max(told['seconds']):.1f}) "
            f"| {count / seconds:,.0f} | {statistics.median(told['processor']):.1f} "
            f"| {statistics.median(told['memory']):.0f} MiB |"
        )


if __name__ == "__main__":
    main()
