"""What the benches share: a cluster of PostgreSQL, and of `upswell serve` its secret, a free port and waiting for it."""

import contextlib
import pathlib
import socket
import subprocess
import sys
import time

SECRET = "whsec_" + "0" * 32
CLUSTER = pathlib.Path(__file__).resolve().parent.parent / "tests/cluster"


class Postgres:
    """A cluster of its own that waits for its disk, with a database for each that asks."""

    def __init__(self, folder):
        self.folder = folder / "postgres"
        self.url = subprocess.run([CLUSTER, "start", self.folder, "durable"], check=True, capture_output=True,
                                  text=True).stdout.strip()
        # The migrations of stripe-sync-engine give their functions to this role.
        self.tell("CREATE ROLE postgres SUPERUSER")

    def tell(self, sql):
        subprocess.run(["psql", "-qX", self.url, "-c", sql], check=True)

    def database(self, name):
        self.tell(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url.replace("/postgres?", f"/{name}?")

    @contextlib.contextmanager
    def fresh(self):
        """A database for as long as it is used; what it left to be written is on the disk afterwards."""
        url = self.database("fresh")
        try:
            yield url
        finally:
            self.tell("DROP DATABASE fresh")
            self.tell("CHECKPOINT")

    def stop(self):
        subprocess.run([CLUSTER, "stop", self.folder], check=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("the server did not come up")
