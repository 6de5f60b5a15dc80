"""Programs that are started, waited for and ended, and the ports they listen on."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

LIVE = Path(__file__).resolve().parents[3] / "target" / "live"
RUN = LIVE / "run"

# A busy machine needs ten times what an idle one does.
PATIENCE_SECONDS = 120
ENDING_SECONDS = 10


class Group:
    """A program that leads a process group of its own."""

    # Of whom its process is: see `as_user`.
    identity = {}
    ending = signal.SIGTERM

    def __init__(self, name, command, environment=None, log=True):
        self.name, self.command, self.environment = name, command, environment
        self.log = RUN / f"{name}.log" if log else None
        self.stopping = False
        self.starting = threading.Lock()
        self.start()

    def start(self):
        output = self.log.open("ab") if self.log else None
        self.process = subprocess.Popen(
            [str(part) for part in self.command],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
            **self.identity,
        )
        if output:
            output.close()

    def keep_alive(self, pid_file):
        """Starts the program again whenever it ends."""
        pid_file.write_text(str(self.process.pid))

        def watch():
            while True:
                self.process.wait()
                with self.starting:
                    if self.stopping:
                        return
                    self.end_group(signal.SIGKILL)
                    self.start()
                pid_file.write_text(str(self.process.pid))

        threading.Thread(target=watch, daemon=True).start()

    def ask_to_end(self):
        with self.starting:
            self.stopping = True
        self.end_group(self.ending)

    def make_end(self):
        try:
            self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        # The leader may have gone before those it started.
        self.end_group(signal.SIGKILL)
        self.process.wait()

    def end_group(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def wait_until(self, is_so):
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            gone = self.process.poll() is not None
            if gone or time.monotonic() > end:
                why = "ended" if gone else f"did not answer in {PATIENCE_SECONDS} s"
                sys.exit(f"{self.name} {why}:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)

    def wait_for_ports(self, *ports):
        self.wait_until(lambda: all(connects(port) for port in ports))


def as_user(user):
    """What a new process is to be given to run as `user` and nobody else."""
    return {"user": user, "group": user, "extra_groups": [], "cwd": "/"} if user else {}


def quietly(*command, **settings):
    """Shows what a command said only if it failed."""
    command = [str(part) for part in command]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **settings
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}")


def free_ports(count):
    """Ports that nobody has, and that were not given away before."""
    return [next(FREE_PORTS) for _ in range(count)]


def shuffled_free_ports():
    # Below those that the system gives to connections: a server may take seconds to take its port.
    for port in random.sample(range(20_000, 32_000), 12_000):
        try:
            socket.create_server(("127.0.0.1", port)).close()
            yield port
        except OSError:
            pass


FREE_PORTS = shuffled_free_ports()


def loopback_with(port):
    """The first loopback address on which nobody has this port yet."""
    for address in (f"127.0.0.{number}" for number in range(1, 10)):
        try:
            socket.create_server((address, port)).close()
            return address
        except OSError:
            pass
    sys.exit(f"port {port} is taken on every loopback address: end what listens on 0.0.0.0:{port}")


def connects(port):
    """Whether `port`, or `(address, port)`, takes a connection."""
    address = port if isinstance(port, tuple) else ("127.0.0.1", port)
    with socket.socket() as client:
        return client.connect_ex(address) == 0
