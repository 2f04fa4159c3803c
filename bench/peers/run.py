"""Makes the roll-forward of a file of events with DuckDB, as a peer of `upswell backfill` and `upswell report`.

usage: python3 run.py grid.sql EVENTS.ndjson [REPORT.json]

Writes one JSON object a month and currency. With the report of `upswell report --from --to --format json` it
compares each lane instead, and names those that differ by more than a hundredth of a minor unit.
Needs the package `duckdb` (pip install duckdb).
"""

import json
import pathlib
import sys

import duckdb

LANES = ["starting_mrr", "new", "reactivation", "expansion", "contraction", "churn", "ending_mrr"]
FIRST, LAST = "2023-12-01", "2026-11-01"


def rollforward(model, events):
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute("SET TimeZone = 'UTC'")
    sql = pathlib.Path(model).read_text()
    for name, value in {"events": events, "first": FIRST, "last": LAST}.items():
        sql = sql.replace("{" + name + "}", value)
    connection.execute(sql)
    rows = connection.execute("SELECT * FROM rollforward").fetchall()
    names = [column[0] for column in connection.description]
    return {(row[0], row[1]): dict(zip(names, row)) for row in rows}


def compare(peer, report):
    differing = 0
    compared = 0
    for month in report["months"]:
        for block in month["currencies"]:
            theirs = peer.get((month["month"], block["currency"]), {})
            for lane in LANES:
                ours = float(block["rollforward"][lane])
                compared += 1
                if abs(ours - theirs.get(lane, 0.0)) > 0.01:
                    differing += 1
                    print(month["month"], block["currency"], lane, "ours", ours, "theirs", theirs.get(lane))
    print(f"{compared} lanes compared, {differing} differ", file=sys.stderr)
    return differing


def main():
    model, events, *report = sys.argv[1:]
    peer = rollforward(model, events)
    if report:
        sys.exit(1 if compare(peer, json.loads(pathlib.Path(report[0]).read_text())) else 0)
    for row in peer.values():
        print(json.dumps(row))


if __name__ == "__main__":
    main()
