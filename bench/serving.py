"""What the benches of `upswell serve` share: its secret, a free port, and waiting until it listens."""

import socket
import sys
import time

SECRET = "whsec_" + "0" * 32


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
