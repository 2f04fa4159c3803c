"""Measures what a report costs in a large book: the month's report and every page of the dashboard, beside the same
roll-forward computed by a GROUP BY over all postings.

usage: python3 bench/report.py UPSWELL FOLDER [--customers N] [--lives N] [--store sqlite|postgres|both] [--asks N]
                               [--slow] [--make] [--keep]

UPSWELL is a release build, FOLDER a place with room for the stores (about a gigabyte for a million postings; PostgreSQL
takes as much again). First upswell itself settles the events of so many lives of 36 months; then each life is copied
until there are so many customers: postings, levels and what else is kept of a customer, row by row as the ledger wrote
them, under other ids. Copies have no deliveries behind them: nothing is asked of them here that needs any, and `upswell
verify` would say so. Then `upswell rollup --anew` makes the sums, `upswell serve` is asked for each page so many times,
and the database for the roll-forward. Printed is a table in Markdown: medians and the slowest, of each store.

The roll-forward by SQL sums movements by class and currency; it does not net customers (R26), for which it would have to
take longer. `--keep` leaves the stores in FOLDER, PostgreSQL running; what is there is measured again without being made,
and with `--make` nothing is measured yet: making may go on beside other work, measuring may not.
"""

import argparse
import json
import os
import pathlib
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

from serving import SECRET, free_port, wait_for

HERE = pathlib.Path(__file__).resolve().parent
CLUSTER = HERE.parent / "tests/cluster"
MONTHS = 36
LAST = "2026-10"
END = 1_793_491_200  # 2026-11-01
BEGINNING = END - MONTHS * 2_629_746
CHANGES = 60
COPIED = ["posting", "level", "customer", "attribute", "scheduled", "finding"]
PRICES = {
    "price_team": ("prod_plan", 1900), "price_business": ("prod_plan", 3900), "price_scale": ("prod_plan", 6900),
    "price_archive": ("prod_archive", 1200), "price_audit": ("prod_audit", 2500), "price_sync": ("prod_sync", 700),
}
PLANS, ADD_ONS = ["price_team", "price_business", "price_scale"], ["price_archive", "price_audit", "price_sync"]
COUNTRIES = ["US", "DE", "GB", "FR", "NL", "SE", "JP", "BR"]
OWNERS = [f"owner{number:02}" for number in range(40)]


class Life:
    """A customer's subscription, changed about as often as asked, told as Stripe tells it."""

    def __init__(self, chance, number):
        self.chance = chance
        self.name = f"{chance.getrandbits(58):015x}"[:11] + "000"
        self.number = number
        self.currency = "eur" if chance.random() < 0.3 else "usd"
        self.items = {"plan": [chance.choice(PLANS), chance.randint(1, 40)]}
        self.status, self.paused, self.ended = "active", False, None
        self.began = BEGINNING + int(chance.random() ** 1.5 * 24 * 2_629_746)

    def events(self):
        yield self.customer()
        yield self.event(self.began, "created")
        step = (END - self.began - 86_400) // CHANGES
        for change in range(CHANGES - 1):
            at = self.began + (change + 1) * step + self.chance.randint(0, step // 2)
            was = self.object()
            kind = self.change(at)
            now = self.object()
            previous = {key: value for key, value in was.items() if now[key] != value}
            yield self.event(at, kind, previous if kind == "updated" else None)
            if kind == "deleted":
                return

    def change(self, at):
        dice = self.chance.random()
        if self.paused or self.status == "past_due":
            self.paused, self.status = False, "active"
        elif dice < 0.01:
            self.paused = True
        elif dice < 0.03:
            self.status = "past_due"
        elif dice < 0.034:
            self.status, self.ended = "canceled", at
            return "deleted"
        elif dice < 0.2:
            others = [plan for plan in PLANS if plan != self.items["plan"][0]]
            self.items["plan"][0] = self.chance.choice(others)
        elif dice < 0.3:
            add_on = self.chance.choice(ADD_ONS)
            if self.items.pop(add_on, None) is None:
                self.items[add_on] = [add_on, 1]
        else:
            seats = self.items["plan"]
            seats[1] = max(1, seats[1] + self.chance.choice([-5, -2, -1, 1, 1, 2, 3, 8]))
        return "updated"

    def object(self):
        items = [self.item(key, *item) for key, item in self.items.items()]
        return {
            "id": f"sub_{self.name}", "object": "subscription", "customer": f"cus_{self.name}", "status": self.status,
            "created": self.began, "start_date": self.began, "cancel_at_period_end": False, "cancel_at": None,
            "canceled_at": self.ended, "ended_at": self.ended, "currency": self.currency, "metadata": {},
            "trial_end": None, "schedule": None, "default_tax_rates": [], "discounts": [],
            "pause_collection": {"behavior": "void", "resumes_at": None} if self.paused else None,
            "items": {"object": "list", "has_more": False, "data": items,
                      "url": f"/v1/subscription_items?subscription=sub_{self.name}"},
        }

    def item(self, key, price, quantity):
        product, amount = PRICES[price]
        name = f"{price}_{self.currency}"
        return {
            "id": f"si_{key[-5:]}{self.name}", "object": "subscription_item", "created": self.began, "metadata": {},
            "subscription": f"sub_{self.name}", "quantity": quantity, "current_period_start": self.began,
            "current_period_end": self.began + 2_592_000,
            "price": {"id": name, "object": "price", "active": True, "billing_scheme": "per_unit",
                      "currency": self.currency, "product": product, "type": "recurring", "unit_amount": amount,
                      "unit_amount_decimal": str(amount), "metadata": {}, "created": BEGINNING, "livemode": True,
                      "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}},
        }

    def customer(self):
        about = {"id": f"cus_{self.name}", "object": "customer", "created": self.began, "livemode": True,
                 "address": {"country": self.chance.choice(COUNTRIES)},
                 "metadata": {"owner": self.chance.choice(OWNERS)}, "discount": None}
        return self.wrapped(self.began, "customer.created", {"object": about})

    def event(self, at, kind, previous=None):
        data = {"object": self.object()}
        if previous is not None:
            data["previous_attributes"] = previous
        return self.wrapped(at, f"customer.subscription.{kind}", data)

    def wrapped(self, at, kind, data):
        return {"id": f"evt_{self.chance.getrandbits(96):024x}", "object": "event", "api_version": "2026-01-28.clover",
                "created": at, "livemode": True, "pending_webhooks": 0, "request": {"id": None}, "type": kind,
                "data": data}


class Store:
    """A store under measurement; statements are one text for both."""

    copy_first = "INSERT INTO {table} ({columns}) "

    def copy_lives(self, copies, highest):
        indexes = self.indexes()
        for name, _ in indexes:
            self.run(f"DROP INDEX {name}")
        for table in COPIED:
            self.run(f"CREATE TABLE lives AS SELECT * FROM {table}")
            columns = [name for name in self.columns(table) if name != "rowid"]
            for k in range(1, copies):
                told = ", ".join(self.told(table, name, k, highest) for name in columns)
                self.run(self.copy_first.format(table=table, columns=", ".join(columns)) + f"SELECT {told} FROM lives t")
            self.run("DROP TABLE lives")
        for _, sql in indexes:
            self.run(sql)

    @staticmethod
    def told(table, name, k, highest):
        if name in ("seq", "reverses"):
            return f"t.{name} + {k * highest}"
        if name in ("customer", "subscription", "item") or (table, name) == ("posting", "id"):
            return f"CASE WHEN t.{name} = '' OR t.{name} IS NULL THEN t.{name} " \
                   f"ELSE SUBSTR(t.{name}, 1, LENGTH(t.{name}) - 3) || '{k:03}' END"
        return f"t.{name}"

    def roll_forward(self):
        stands = "p.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM posting r WHERE r.reverses = p.seq)"
        return f"SELECT p.currency, CASE WHEN p.month < '{LAST}' THEN 'starting' ELSE p.class END, " \
               f"SUM(p.delta / 1000000) FROM posting p WHERE p.book = 'live' AND p.month <= '{LAST}' AND {stands} " \
               f"GROUP BY 1, 2"


class Sqlite(Store):
    name = "SQLite"

    def __init__(self, folder):
        self.path = folder / "report.db"
        self.url = f"sqlite://{self.path}?mode=rwc"
        self.is_made = self.path.exists()

    def open(self):
        self.db = sqlite3.connect(self.path, isolation_level=None)
        for pragma in ["journal_mode = WAL", "synchronous = OFF", "cache_size = -262144", "temp_store = FILE"]:
            self.db.execute(f"PRAGMA {pragma}")

    def run(self, sql):
        return self.db.execute(sql).fetchall()

    def columns(self, table):
        return [row[1] for row in self.run(f"PRAGMA table_info({table})")]

    def indexes(self):
        tables = ", ".join(f"'{table}'" for table in COPIED)
        return self.run(f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
                        f"AND tbl_name IN ({tables})")

    def settle_down(self, highest):
        self.run("PRAGMA wal_checkpoint(TRUNCATE)")

    def seconds_of(self, sql):
        begun = time.perf_counter()
        self.run(sql)
        return time.perf_counter() - begun

    def bytes_of(self, names):
        like = " OR ".join(f"m.tbl_name = '{name}'" for name in names)
        try:
            return self.run(f"SELECT SUM(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name "
                            f"WHERE s.aggregate = TRUE AND ({like})")[0][0] or 0
        except sqlite3.OperationalError:
            return None

    def remove(self):
        for path in self.path.parent.glob("report.db*"):
            path.unlink()

    def stop(self):
        self.db.close()


class Postgres(Store):
    name = "PostgreSQL"
    copy_first = "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE "

    def __init__(self, folder):
        self.folder = folder / "postgres"
        self.is_made = (self.folder / "port").exists()
        if self.is_made:
            self.url = f"postgres://upswell@127.0.0.1:{(self.folder / 'port').read_text().strip()}/postgres?sslmode=disable"
        else:
            self.url = subprocess.run([CLUSTER, "start", self.folder, "durable"], check=True, capture_output=True,
                                      text=True).stdout.strip()

    def open(self):
        pass

    def run(self, sql):
        done = subprocess.run(["psql", "-qXAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.url, "-c", sql], check=True,
                              capture_output=True, text=True, env={**os.environ, "PGOPTIONS": "-c synchronous_commit=off"})
        return [line.split("\t") for line in done.stdout.splitlines()]

    def columns(self, table):
        return [row[0] for row in self.run(f"SELECT column_name FROM information_schema.columns WHERE table_name = "
                                           f"'{table}' ORDER BY ordinal_position")]

    def indexes(self):
        tables = ", ".join(f"'{table}'" for table in COPIED)
        return self.run(f"SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename IN ({tables}) AND NOT EXISTS "
                        f"(SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)")

    def settle_down(self, highest):
        self.run("SELECT setval(pg_get_serial_sequence('posting', 'seq'), (SELECT MAX(seq) FROM posting))")
        self.run("VACUUM ANALYZE")

    def seconds_of(self, sql):
        done = subprocess.run(["psql", "-qXAt", self.url, "-c", "\\timing on", "-c", sql], check=True,
                              capture_output=True, text=True)
        return float(re.search(r"Time: ([0-9.]+) ms", done.stdout).group(1)) / 1000

    def bytes_of(self, names):
        return sum(int(self.run(f"SELECT pg_total_relation_size('{name}')")[0][0]) for name in names)

    def remove(self):
        subprocess.run([CLUSTER, "stop", self.folder], check=True, capture_output=True)

    def stop(self):
        pass


def write_lives(path, lives):
    chance = random.Random(1)
    with open(path, "w") as file:
        for number in range(lives):
            for event in Life(chance, number).events():
                file.write(json.dumps(event, separators=(",", ":")) + "\n")


def upswell(asked, store, *arguments):
    begun = time.perf_counter()
    environment = {**os.environ, "DATABASE_URL": store.url}
    done = subprocess.run([asked.upswell, *arguments], capture_output=True, text=True, env=environment,
                          cwd=asked.folder)
    if done.returncode != 0:
        sys.exit(f"upswell {' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout, time.perf_counter() - begun


def make(asked, store):
    events = asked.folder / "lives.ndjson"
    if not events.exists():
        write_lives(events, asked.lives)
    _, settled = upswell(asked, store, "backfill", str(events))
    store.open()
    postings, highest = (int(number) for number in store.run("SELECT COUNT(*), MAX(seq) FROM posting")[0])
    customers = int(store.run("SELECT COUNT(*) FROM customer")[0][0])
    copies = max(1, round(asked.customers / customers))
    print(f"{store.name}: {customers} lives with {postings} postings settled in {settled:.0f} s, copied "
          f"{copies} times ...", file=sys.stderr)
    for table in ["roll_up", "roll_up_month", "roll_up_touched", "roll_up_closed"]:
        store.run(f"DELETE FROM {table}")
    store.copy_lives(copies, highest)
    store.settle_down(highest)
    _, made = upswell(asked, store, "rollup", "--anew")
    print(f"{store.name}: `upswell rollup --anew` took {made:,.1f} s", file=sys.stderr)


class Server:
    def __init__(self, asked, store):
        self.port = free_port()
        environment = {**os.environ, "DATABASE_URL": store.url, "STRIPE_WEBHOOK_SECRET": SECRET,
                       "UPSWELL_LISTEN": f"127.0.0.1:{self.port}"}
        self.process = subprocess.Popen([asked.upswell, "serve"], env=environment, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=asked.folder)
        wait_for(self.port)

    def milliseconds(self, path, asks):
        """The answer's time, so many times after one that is not counted; redirects are an answer."""
        times = []
        for _ in range(asks + 1):
            begun = time.perf_counter()
            try:
                with urllib.request.build_opener(Stay).open(f"http://127.0.0.1:{self.port}{path}", timeout=600) as got:
                    size = len(got.read())
            except urllib.error.HTTPError as answer:
                if answer.code not in (302, 303, 307, 308):
                    sys.exit(f"{path}: {answer.code} {answer.read()[:500]}")
                size = len(answer.read())
            times.append((time.perf_counter() - begun) * 1000)
        return statistics.median(times[1:]), max(times[1:]), size

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def pages(store):
    one = store.run("SELECT customer, id FROM posting WHERE seq = 1000")[0]
    middle = store.run("SELECT customer FROM customer ORDER BY customer LIMIT 1 OFFSET 1000")[0][0]
    return [
        ("the month's report, JSON", f"/api/v1/reports/{LAST}"),
        ("the month", f"/months/{LAST}"),
        ("the month, for sales", f"/months/{LAST}?view=sales"),
        ("months", "/months"),
        ("months, the year before", "/months?before=2025-11"),
        ("customers", f"/customers?month={LAST}"),
        ("customers, all, further on", f"/customers?month={LAST}&all=true&after={middle}.usd"),
        ("customers of the first year", "/customers?month=2024-03"),
        ("a customer", f"/customers/{one[0]}"),
        ("movements", "/movements"),
        ("movements of the month", f"/movements?month={LAST}"),
        ("expansions of the month", f"/movements?month={LAST}&class=expansion"),
        ("resumed in the month", f"/movements?month={LAST}&class=resume"),
        ("core expansion of the month, in dollars", f"/movements?month={LAST}&class=expansion&kind=core&currency=usd"),
        ("expansions of new customers", f"/movements?month={LAST}&class=expansion&new_customers=true&currency=usd"),
        ("movements by grade", f"/movements?month={LAST}&grade=event"),
        ("customers by grade", f"/customers?month={LAST}&grade=event"),
        ("customers by a grade that nobody has", f"/customers?month={LAST}&grade=sigma"),
        ("customers of an owner", f"/customers?month={LAST}&by=owner&segment=owner03"),
        ("customers of a cohort", f"/customers?month={LAST}&since=2025-01"),
        ("where a movement comes from", f"/explain/{one[1]}"),
        ("exceptions", "/exceptions"),
        ("imports", "/imports"),
        ("search", "/search?q=cus_5"),
        ("an id that nothing is known of", "/search?q=sub_nobody"),
        ("closing the month", f"/months/{LAST}/close"),
    ]


def measure(asked, store):
    postings, customers = (int(store.run(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in ("posting", "customer"))
    by_sql = statistics.median(store.seconds_of(store.roll_forward()) for _ in range(3)) * 1000
    _, command = upswell(asked, store, "report", "--month", LAST, "--format", "json")
    faces = {ending: upswell(asked, store, "report", "--month", LAST, "-o", f"report.{ending}")[1]
             for ending in ["html", "xlsx", "zip"]}
    _, slow = upswell(asked, store, "report", "--month", LAST, "--format", "json", "--from-postings") \
        if asked.slow else (None, 0)
    sums = store.bytes_of(["roll_up", "roll_up_month", "roll_up_touched", "roll_up_closed"])
    of_postings = store.bytes_of(["posting"])
    print(f"\n## {store.name}: {postings:,} postings, {customers:,} customers, {MONTHS} months\n")
    print(f"- the roll-forward by GROUP BY over postings: {by_sql:,.0f} ms")
    print(f"- `upswell report --format json`, its process included: {command * 1000:,.0f} ms"
          + (f"; with `--from-postings` {slow * 1000:,.0f} ms" if slow else ""))
    print("- the same with the month's register: " + ", ".join(f"{ending} {1000 * took:,.0f} ms"
                                                               for ending, took in faces.items()))
    if sums is not None and of_postings:
        print(f"- kept sums: {sums / 2**20:,.1f} MiB, {100 * sums / of_postings:.2f} % of {of_postings / 2**20:,.0f} MiB of "
              f"postings with their indexes")
    print("\n| page | median ms | slowest ms | KiB | of the GROUP BY |\n|---|---|---|---|---|")
    server = Server(asked, store)
    try:
        for name, path in pages(store):
            median, slowest, size = server.milliseconds(path, asked.asks)
            share = f"1/{by_sql / median:,.0f}" if median <= by_sql else f"{median / by_sql:,.1f} ×"
            print(f"| {name} | {median:,.1f} | {slowest:,.1f} | {size / 1024:,.0f} | {share} |", flush=True)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("upswell", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--lives", type=int, default=10_000, help="customers that are settled and then copied")
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--asks", type=int, default=9)
    parser.add_argument("--slow", action="store_true", help="also the report from postings, which takes minutes")
    parser.add_argument("--make", action="store_true", help="make and keep the stores, measure nothing")
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    asked.upswell, asked.folder = asked.upswell.resolve(), asked.folder.resolve()
    asked.folder.mkdir(parents=True, exist_ok=True)
    kinds = {"sqlite": [Sqlite], "postgres": [Postgres], "both": [Sqlite, Postgres]}[asked.store]
    for kind in kinds:
        store = kind(asked.folder)
        if store.is_made:
            store.open()
        else:
            make(asked, store)
        if not asked.make:
            measure(asked, store)
        store.stop() if asked.keep or asked.make else store.remove()


if __name__ == "__main__":
    main()
