#!/usr/bin/env python3
"""Passwords, IPv6 and unix sockets."""
import os
import pathlib
import socket
import stat
import struct
import unittest

import client
import harness
from client import argv_frame, frame


GOLDEN = pathlib.Path(__file__).parents[1] / "unit/protocol/golden"


def golden_hello():
    """The map of HELLO's reply as docs/PROTOCOL.md defines it."""
    lines = (GOLDEN / "reply_map.hex").read_text(encoding="utf-8").splitlines()
    reply = bytes.fromhex(" ".join(line.split("#")[0] for line in lines))
    return client.decode_value(client.MAP, reply[client.HEADER.size :])


def kinds_of(value):
    """A reply's value with the kinds in place of what is told."""
    if isinstance(value, dict):
        return {key: kinds_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return kinds_of(value[0]) if isinstance(value[0], list) else [type(value[0])]
    return type(value)


class Password(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        secret = harness.temporary_directory() / "password"
        secret.write_text("open sesame\nanother line\n", encoding="utf-8")
        cls.server = harness.Server(flags=["--requirepass-file", secret]).start()
        cls.addClassCleanup(cls.server.kill)

    def test_strangers_get_nothing(self):
        with self.server.client() as db:
            for request in (
                frame(client.SET, b"a", b"1"),
                frame(client.GET, b"a"),
                argv_frame("LIST"),
                argv_frame("INFO"),
                argv_frame("DBSIZE"),
            ):
                self.assertEqual(db.ask(request).status, client.NOT_AUTHENTICATED)

    def test_wrong_password(self):
        with self.server.client() as db:
            self.assertEqual(db.command("AUTH", "guess").status, client.WRONG_PASSWORD)
            self.assertEqual(db.command("AUTH", "").status, client.WRONG_PASSWORD)
            self.assertEqual(db.ask(frame(client.GET, b"a")).status, client.NOT_AUTHENTICATED)

    def test_right_password(self):
        with self.server.client() as db:
            self.assertEqual(db.command("AUTH", "open sesame").status, client.OK)
            self.assertEqual(db.set(b"a", b"1").status, client.OK)
            self.assertEqual(db.get(b"a"), b"1")
        with self.server.client() as db:  # Every connection for itself.
            self.assertEqual(db.ask(frame(client.GET, b"a")).status, client.NOT_AUTHENTICATED)

    def test_pipelined_behind_auth(self):
        with self.server.client() as db:
            replies = db.pipeline([argv_frame("AUTH", "open sesame"), frame(client.GET, b"none")])
            self.assertEqual([reply.status for reply in replies], [client.OK, client.NIL])

    def test_strangers_get_no_memory(self):
        """What a stranger may send is bounded far below what a user may."""
        for request in (
            client.HEADER.pack(client.REQUEST_MAGIC, client.SET, 0, 1, 1, 100 << 20) + b"a",
            argv_frame(*["x"] * 100),
        ):
            with self.server.client() as db:
                self.assertIn(db.ask(request).status, (client.TOO_LARGE, client.NOT_AUTHENTICATED))

    def test_hello_before_auth(self):
        with self.server.client() as db:
            self.assertFalse(db.ask(frame(client.HELLO, value=b"me")).is_error)


class ChangedPassword(unittest.TestCase):
    def test_it_holds_on_all_cores(self):
        with harness.Server(cores=4) as server:
            inside = [server.client() for _ in range(8)]
            for db in inside:  # Else it may not be accepted yet.
                self.assertFalse(db.command("PING").is_error)
            owner = inside[0]
            for password in ("one", "two"):
                self.assertFalse(owner.command("CONFIG", "SET", "requirepass", password).is_error)
                for db in [server.client() for _ in range(8)]:
                    with db:
                        self.assertEqual(db.command("GET", "a").status, client.NOT_AUTHENTICATED)
                        wrong = db.command("AUTH", password + "x")
                        self.assertEqual(wrong.status, client.WRONG_PASSWORD)
                        self.assertFalse(db.command("AUTH", password).is_error)
                        self.assertFalse(db.command("GET", "a").is_error)
            for db in inside:
                self.assertFalse(db.command("GET", "a").is_error)
            with server.client() as stranger:
                self.assertTrue(stranger.command("GET", "a").is_error)
                owner.command("CONFIG", "SET", "requirepass", "")
                is_inside = lambda: not stranger.command("GET", "a").is_error
                harness.wait_until(is_inside, 60, "nobody is a stranger any more")
            for db in inside:
                db.close()

    def test_who_can_be_reached_keeps_one(self):
        secret = harness.temporary_directory() / "password"
        secret.write_text("open sesame\n", encoding="utf-8")
        flags = ["--bind", "0.0.0.0", "--requirepass-file", secret]
        with harness.Server(flags=flags) as server, server.client() as db:
            db.command("AUTH", "open sesame")
            refused = db.command("CONFIG", "SET", "requirepass", "")
            self.assertIn("reached from other machines", refused.value)
            self.assertFalse(db.command("CONFIG", "SET", "requirepass", "another").is_error)


class Addresses(unittest.TestCase):
    def test_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError as error:
            self.skipTest(f"no IPv6 loopback here: {error.strerror}")
        # A port that is free on one address need not be so on the other.
        flags = ["--bind", "::1,127.0.0.1"]
        with harness.Server(flags=flags, cores=2, port=harness.free_port()) as server:
            with client.Client(("::1", server.port)) as six, server.client() as four:
                six.set(b"a", b"1")
                self.assertEqual(four.get(b"a"), b"1")

    def test_unix_socket(self):
        path = str(harness.temporary_directory() / "phoenix.sock")
        with harness.Server(flags=["--unix", path], cores=2) as server:
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o007, 0, "open to everybody")
            with client.Client(path) as local, server.client() as tcp:
                local.set(b"a", b"x" * 100_000)
                self.assertEqual(tcp.get(b"a"), b"x" * 100_000)
            server.kill()
            server.start()  # The file that a dead server left is no obstacle.
            with client.Client(path) as local:
                self.assertEqual(local.get(b"a"), b"x" * 100_000)
            self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path), "the socket's file stayed")

    def test_ready_names_every_address(self):
        path = str(harness.temporary_directory() / "phoenix.sock")
        flags = ["--bind", "127.0.0.1,127.0.0.2", "--unix", path]
        with harness.Server(flags=flags, port=harness.free_port()) as server:
            addresses = f"127.0.0.1:{server.port}, 127.0.0.2:{server.port}, {path}\n"
            self.assertTrue(server.lines[-1].endswith("listening on " + addresses), server.lines)

    def test_unix_path_of_another_server(self):
        path = str(harness.temporary_directory() / "phoenix.sock")
        with harness.Server(flags=["--unix", path]) as first:
            harness.expect_refusal(self, harness.Server(flags=["--unix", path]), "in use|another")
            with client.Client(path) as local:
                self.assertEqual(local.ask(frame(client.PING)).value, "PONG")
            self.assertTrue(first.is_running())
            self.assertTrue(os.path.exists(path), "who was refused removed the file of another")

    def test_unix_path_is_somebodys_file(self):
        path = harness.temporary_directory() / "diary.txt"
        path.write_text("dear diary\n", encoding="utf-8")
        harness.expect_refusal(self, harness.Server(flags=["--unix", path]), "diary")
        self.assertEqual(path.read_text(encoding="utf-8"), "dear diary\n")


class Durability(unittest.TestCase):
    def test_hello_tells_the_terms(self):
        with harness.Server(cores=2) as server, server.client() as db:
            hello = db.ask(frame(client.HELLO)).value
            terms = {key.decode(): value for key, value in hello.items()}
            self.assertEqual(terms["server"], b"phoenix")
            self.assertEqual(terms["protocol"], 1)
            self.assertEqual(terms["cores"], 2)
            self.assertEqual(terms["durability"], b"always")
            slots = terms["slots"]
            self.assertEqual((slots[0][0], slots[-1][1]), (0, 16383))
            for left, right in zip(slots, slots[1:]):
                self.assertEqual(left[1] + 1, right[0])

    def test_hello_has_the_kinds_of_the_golden_file(self):
        with harness.Server() as server, server.client() as db:
            told = kinds_of(db.ask(frame(client.HELLO, value=b"shop-7")).value)
        golden = kinds_of(golden_hello())
        self.assertEqual(golden.pop(b"ports"), [int])  # Cores have no ports of their own.
        self.assertEqual(told, golden)

    def test_hello_takes_one_short_name(self):
        with harness.Server() as server, server.client() as db:
            self.assertEqual(db.ask(frame(client.HELLO, value=b"n" * 1024)).status, client.OK)
            for request in (
                frame(client.HELLO, value=b"n" * 1025),
                frame(client.HELLO, value=b"\x1b[2J"),
                argv_frame("HELLO", "a", "b"),
            ):
                self.assertEqual(db.ask(request).status, client.ERROR)

    def test_unknown_flags_are_refused(self):
        with harness.Server() as server, server.client() as db:
            header = struct.pack("<BBHIII", 0xF1, client.GET, 1 << 12, 1, 1, 0)
            self.assertEqual(db.ask(header + b"a").status, client.BAD_FRAME)


if __name__ == "__main__":
    harness.main(limit_s=120)
