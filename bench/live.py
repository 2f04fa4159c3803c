"""Measures webhooks beside a backfill: what they wait for, and whether one is lost.

usage: python3 bench/live.py EVENTS.ndjson UPSWELL MEASURE [--rate N] [--seconds N]

A server of its own on a fresh store beside EVENTS; the load alone first, then again while EVENTS is backfilled into
the same store. Prints one JSON object: latencies of both, counted from when each webhook was due, how many
were not answered with 200, and how many of those that were are not in the inbox.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from serving import SECRET, free_port, wait_for


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", type=pathlib.Path)
    parser.add_argument("upswell", type=pathlib.Path)
    parser.add_argument("measure", type=pathlib.Path)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=30)
    asked = parser.parse_args()
    events, upswell, measure = (str(path.resolve()) for path in (asked.events, asked.upswell, asked.measure))
    folder = pathlib.Path(tempfile.mkdtemp(dir=asked.events.resolve().parent))
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite://{folder}/live.db?mode=rwc",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "UPSWELL_LISTEN": f"127.0.0.1:{port}",
    }

    def stored():
        told = subprocess.run([upswell, "status", "--format", "json"], env=environment, capture_output=True)
        return json.loads(told.stdout)["stored"]

    def load(prefix):
        command = [measure, "load", events, "--url", f"http://127.0.0.1:{port}/webhooks/stripe", "--secret", SECRET]
        command += ["--rate", str(asked.rate), "--seconds", str(asked.seconds), "--prefix", prefix]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    server = subprocess.Popen(
        [upswell, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        alone = load("alone")
        before = stored()
        alone["lost"] = alone["sent"] - alone["not_acknowledged"] - before
        begun = time.monotonic()
        backfill = subprocess.Popen(
            [upswell, "backfill", "--format", "json", events],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        beside = load("beside")
        is_over = backfill.poll() is not None
        summary = json.loads(backfill.communicate()[0])
        accepted = summary["total"]["accepted"]
        beside["lost"] = before + beside["sent"] - beside["not_acknowledged"] + accepted - stored()
        print(
            json.dumps(
                {
                    "alone": alone,
                    "beside_a_backfill": beside,
                    "backfill": {"accepted": accepted, "seconds": round(time.monotonic() - begun, 1)},
                    "the_backfill_outlasted_the_load": not is_over,
                }
            )
        )
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
