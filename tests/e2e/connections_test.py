#!/usr/bin/env python3
"""Many connections, more than there are descriptors for, and ones that come and go."""
import os
import resource
import shutil
import socket
import unittest

import client
import harness
from client import frame

MANY = harness.by_level(200, 1000, 1000)


def raise_own_limit(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise unittest.SkipTest(f"only {hard} descriptors are allowed here")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


class Many(unittest.TestCase):
    def test_many_at_once(self):
        raise_own_limit(MANY + 100)
        with harness.Server(cores=2) as server:
            before = server.memory_bytes()
            clients = [self.enterContext(server.client()) for _ in range(MANY)]
            for number, db in enumerate(clients):
                db.send(frame(client.SET, b"k%d" % number, b"%d" % number))
            for db in clients:
                self.assertEqual(db.receive().status, client.OK)
            for number, db in enumerate(reversed(clients)):
                db.send(frame(client.GET, b"k%d" % number))
            for number, db in enumerate(reversed(clients)):
                self.assertEqual(db.receive().value, b"%d" % number)
            each = (server.memory_bytes() - before) / MANY
            print(f"{MANY} connections, {each / 1024:.1f} KiB each", flush=True)
            if harness.LEVEL != "quick":  # Sanitizers keep memory of their own.
                self.assertLess(each, 32 * 1024)
            for db in clients:
                db.close()
            with server.client() as db:
                self.assertEqual(db.value("DBSIZE"), MANY)
            self.assertEqual(server.stop(), 0)

    def test_come_and_go(self):
        """Descriptors and sessions are given back, whatever way a connection ends."""
        with harness.Server(cores=2) as server:
            descriptors = lambda: len(os.listdir(f"/proc/{server.pid}/fd"))
            with server.client() as db:
                db.set(b"a", b"1")
            before = descriptors()
            for number in range(300):
                db = server.client()
                if number % 3 == 0:
                    self.assertEqual(db.get(b"a"), b"1")
                elif number % 3 == 1:
                    db.send(frame(client.GET, b"a"))  # Gone before the answer comes.
                db.close()
            # Accepted sockets may be direct descriptors of the ring, but must not pile up either.
            harness.wait_until(lambda: descriptors() <= before + 2, 60, "descriptors are freed")
            with server.client() as db:
                self.assertEqual(db.get(b"a"), b"1")


class FewDescriptors(unittest.TestCase):
    def test_more_connections_than_descriptors(self):
        """Those who were let in are served; the others are told or wait; nobody is lost for it."""
        if not shutil.which("prlimit"):
            self.skipTest("prlimit is not installed")
        raise_own_limit(1000)
        with harness.Server(cores=2, wrapper=["prlimit", "--nofile=300:300"]) as server:
            first = server.client()
            first.set(b"a", b"1")
            sockets = []
            for _ in range(400):
                try:
                    sockets.append(socket.create_connection(server.address, timeout=5))
                except OSError:
                    break
            self.assertEqual(first.get(b"a"), b"1")
            self.assertEqual(first.set(b"b", b"2").status, client.OK)
            served = 0
            for one in sockets:
                one.settimeout(0.2 if served else 5)
                try:
                    one.sendall(frame(client.GET, b"a"))
                    served += one.recv(100).endswith(b"1")
                except OSError:
                    pass
                if served == 20:
                    break
            self.assertGreater(served, 10)
            for one in sockets:
                one.close()
            harness.wait_until(lambda: self.is_served(server), 60, "new connections are served")
            self.assertEqual(server.stop(), 0)
            first.close()
            server.start()
            with server.client() as db:
                self.assertEqual(db.get(b"b"), b"2")

    @staticmethod
    def is_served(server):
        try:
            with server.client(timeout_s=2) as db:
                return db.get(b"a") == b"1"
        except (OSError, client.ProtocolError):
            return False

    def test_limit_of_connections(self):
        with harness.Server(flags=["--max-connections", "10"]) as server:
            clients = [self.enterContext(server.client()) for _ in range(10)]
            for db in clients:
                self.assertEqual(db.ask(frame(client.PING)).value, "PONG")
            clients[0].set(b"a", b"1")
            with server.client() as eleventh:
                line = eleventh.socket.makefile("rb").read()
                self.assertEqual(line, b"-ERR max number of clients reached\r\n")
            clients[0].close()
            harness.wait_until(lambda: self.is_served(server), 60, "a place was given on")


if __name__ == "__main__":
    harness.main(limit_s=120)
