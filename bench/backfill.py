"""Measures a backfill beside the machine's limits and two peers, on the same file, in turns.

usage: python3 bench/backfill.py EVENTS.ndjson UPSWELL MEASURE [--rounds N] [--no-peers] [--postgres] [--only WORD]

UPSWELL and MEASURE are the release builds of upswell and of bench/measure. In each round every command runs once,
in another order each time, on fresh files beside EVENTS. Prints a table in Markdown: medians, with the least and
the most. With --postgres also into PostgreSQL, beside one COPY of the same bytes; --only leaves out what has not WORD in
its name. Needs the package `duckdb` for the peers (pip install duckdb).
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

from serving import Postgres

HERE = pathlib.Path(__file__).parent
SETTLED = "upswell: file to settled ledger"
REPORTED = "upswell: file to report of 35 months"
SETTLED_POSTGRES = "upswell, PostgreSQL: file to settled ledger"
COPIED = "limit: one COPY into PostgreSQL, same bytes"
PARSED = "limit: read and parse alone, all cores"
INSERTED = "limit: one prepared transaction, same bytes"


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


def commands(asked, folder, postgres):
    """What is measured, by its names: each runs on fresh stores and gives results by name."""
    events, upswell, measure = str(asked.events), str(asked.upswell), str(asked.measure)

    def ours():
        """One backfill, and the report of what it made: two results of one run."""
        at = {"DATABASE_URL": f"sqlite://{folder}/ours.db?mode=rwc"}
        fed = run([upswell, "backfill", events], at)
        report = [upswell, "report", "--from", "2023-12", "--to", "2026-10", "--format", "json"]
        told = run(report, at, str(folder / "ours.json"))
        return {SETTLED: fed, REPORTED: added(fed, told)}

    def in_postgres(name, command):
        """In a database that is dropped again, so that what one run left to be written does not burden the next."""
        def measured():
            with postgres.fresh() as url:
                return {name: run(*command(url))}
        return measured

    def one(name, *command):
        return lambda: {name: run(list(command))}

    def peer(model):
        return [sys.executable, str(HERE / "peers/run.py"), str(HERE / "peers" / model), events]

    grid, sigma = "DuckDB, month grid as with dbt: file to roll-forward", "DuckDB, Sigma-style changes: file to roll-forward"
    measured = {
        PARSED: one(PARSED, measure, "parse", events),
        INSERTED: one(INSERTED, measure, "insert", events, str(folder / "limit.db")),
        SETTLED: ours,
        grid: one(grid, *peer("grid.sql")),
        sigma: one(sigma, *peer("sigma.sql")),
        COPIED: in_postgres(COPIED, lambda url: ([measure, "copy", events, url],)),
        SETTLED_POSTGRES: in_postgres(SETTLED_POSTGRES, lambda url: ([upswell, "backfill", events], {"DATABASE_URL": url})),
    }
    left_out = ("DuckDB",) * asked.no_peers + ("PostgreSQL",) * (not asked.postgres)
    return {name: of for name, of in measured.items() if asked.only in name and not any(word in name for word in left_out)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", type=pathlib.Path)
    parser.add_argument("upswell", type=pathlib.Path)
    parser.add_argument("measure", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    asked.events, asked.upswell, asked.measure = (p.resolve() for p in (asked.events, asked.upswell, asked.measure))
    count = sum(block.count(b"\n") for block in iter(lambda f=asked.events.open("rb"): f.read(1 << 24), b""))
    results = {}
    cluster = pathlib.Path(tempfile.mkdtemp(dir=asked.events.parent))
    cluster.chmod(0o755)
    postgres = Postgres(cluster) if asked.postgres else None
    try:
        for number in range(asked.rounds):
            order = list(commands(asked, pathlib.Path(), postgres))
            random.Random(number).shuffle(order)
            for name in order:
                folder = pathlib.Path(tempfile.mkdtemp(dir=asked.events.parent))
                try:
                    told = commands(asked, folder, postgres)[name]()
                finally:
                    shutil.rmtree(folder)
                for name, result in told.items():
                    results.setdefault(name, []).append(result)
                    print(f"round {number + 1}: {name}: {json.dumps(result)}", file=sys.stderr, flush=True)
    finally:
        if postgres:
            postgres.stop()
        shutil.rmtree(cluster, ignore_errors=True)
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
