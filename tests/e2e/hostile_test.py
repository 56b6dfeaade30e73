#!/usr/bin/env python3
"""Bytes that are no requests: named, refused, and of no consequence to anybody else."""
import random
import ssl
import struct
import unittest

import client
import harness
from client import argv_frame, frame

KIB, MIB = 1 << 10, 1 << 20


def header(kind, flags=0, key=0, value=0, magic=client.REQUEST_MAGIC):
    return client.HEADER.pack(magic, kind, flags, 7, key, value)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(cores=2).start()
        cls.addClassCleanup(cls.server.kill)
        cls.witness = cls.server.client()
        cls.addClassCleanup(cls.witness.close)
        cls.witness.set(b"witness", b"here")

    def tearDown(self):
        """Another session has noticed nothing, and no command came through."""
        self.assertTrue(self.server.is_running(), self.server.output())
        self.assertEqual(self.witness.get(b"witness"), b"here")
        self.assertIsNone(self.witness.get(b"pwn"))

    def answer_to(self, data):
        """Everything the server says until it closes; the test fails if it does not."""
        with client.connect(self.server.address) as peer:
            peer.sendall(data)
            said = b""
            while True:
                try:
                    part = peer.recv(65536)
                except ConnectionResetError:
                    return said
                if not part:
                    return said
                said += part

    def refusal(self, data):
        """The one error reply to a frame that ends the connection."""
        with self.server.client() as db:
            db.send(data)
            reply = db.receive()
            self.assertTrue(reply.is_error)
            self.assertGreater(len(reply.value), 8, "an error says what is wrong")
            try:
                self.assertEqual(db.socket.recv(1), b"", "the connection closes")
            except ConnectionResetError:
                pass
            return reply

    def test_http(self):
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nSET pwn 1\r\n"
        self.assertIn(b"HTTP", self.answer_to(request))
        self.assertIn(b"HTTP", self.answer_to(b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n"))
        self.answer_to(b"POST / HTTP/1.1\r\n\r\n" + frame(client.SET, b"pwn", b"1"))

    def test_tls(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with client.connect(self.server.address) as peer:
            with self.assertRaises((ssl.SSLError, OSError)):
                context.wrap_socket(peer)

    def test_garbage(self):
        for first in (b"\x00", b"\x7f", b"\x80\x80\x80\x80", b"\x01" * 100):
            said = self.answer_to(first + frame(client.SET, b"pwn", b"1"))
            self.assertRegex(said, rb"^-ERR Protocol error: [^\r\n]+\r\n$")

    def test_other_version(self):
        said = self.answer_to(header(client.PING, magic=0xF2))
        self.assertEqual(said[0], client.REPLY_MAGIC)
        self.assertEqual(said[1], client.BAD_FRAME)
        self.assertIn(b"1", said[16:])

    def test_bad_magic_behind_a_good_frame(self):
        with self.server.client() as db:
            replies = db.pipeline([frame(client.PING), header(client.SET, magic=0x55) + b"pwn1"])
            self.assertEqual(replies[0].value, "PONG")
            self.assertEqual(replies[1].status, client.BAD_FRAME)

    def test_reserved_flags(self):
        self.assertEqual(self.refusal(header(client.GET, flags=1 << 15)).status, client.BAD_FRAME)

    def test_key_over_the_limit(self):
        reply = self.refusal(header(client.GET, key=64 * KIB + 1))
        self.assertEqual(reply.status, client.TOO_LARGE)
        self.assertEqual(reply.id, 7)

    def test_largest_key(self):
        with self.server.client() as db:
            key = b"k" * 64 * KIB
            self.assertEqual(db.set(key, b"1").status, client.OK)
            self.assertEqual(db.get(key), b"1")
            self.assertEqual(db.value("DEL", key), 1)

    def test_value_over_the_limit(self):
        reply = self.refusal(header(client.SET, key=3, value=512 * MIB + 1) + b"pwn")
        self.assertEqual(reply.status, client.TOO_LARGE)

    def test_argv_over_the_limit(self):
        reply = self.refusal(header(client.ARGV, value=514 * MIB))
        self.assertEqual(reply.status, client.TOO_LARGE)

    def test_too_many_words(self):
        words = struct.pack("<I", 1 << 20) + b"\0" * 4096
        reply = self.refusal(header(client.ARGV, value=len(words)) + words)
        self.assertEqual(reply.status, client.TOO_LARGE)

    def test_words_that_do_not_add_up(self):
        for words in (
            b"",
            b"\x01",
            struct.pack("<I", 0),
            struct.pack("<II", 1, 100) + b"SET",
            struct.pack("<II", 1, 4) + b"PINGs",
            struct.pack("<II", 2, 4) + b"PING",
            struct.pack("<II", 1, 0xFFFFFFFF),
        ):
            reply = self.refusal(header(client.ARGV, value=len(words)) + words)
            self.assertIn(reply.status, (client.BAD_FRAME, client.TOO_LARGE), words)

    def test_unknown_type_costs_only_itself(self):
        with self.server.client() as db:
            replies = db.pipeline([header(200, key=1) + b"a", frame(client.PING)])
            self.assertEqual(replies[0].status, client.ERROR)
            self.assertEqual(replies[1].value, "PONG")

    def test_contradicting_flags_cost_only_themselves(self):
        both = client.IF_ABSENT | client.IF_PRESENT
        with self.server.client() as db:
            replies = db.pipeline([frame(client.SET, b"pwn", b"1", flags=both), frame(client.PING)])
            self.assertEqual(replies[0].status, client.ERROR)
            self.assertEqual(replies[1].value, "PONG")

    def test_wrong_arguments(self):
        with self.server.client() as db:
            for words in (
                ("GET",),
                ("GET", "a", "b"),
                ("SET", "pwn"),
                ("SET", "pwn", "1", "NX", "XX"),
                ("SET", "pwn", "1", "PX", "0"),
                ("SET", "pwn", "1", "PX", "-5"),
                ("SET", "pwn", "1", "PX", "99999999999999999999"),
                ("SET", "pwn", "1", "EX", "soon"),
                ("SET", "pwn", "1", "EX", "1", "KEEPTTL"),
                ("EXPIRE", "witness", "1.5"),
                ("MSET", "pwn"),
                ("LIST", "*", "LIMIT", "-1"),
                ("LIST", "*", "CURSOR", "nonsense"),
                ("", "a"),
                (b"\xff\xfe\x00", "a"),
                ("X" * 1000,),
            ):
                reply = db.command(*words)
                self.assertEqual(reply.status, client.ERROR, words)
                self.assertLessEqual(len(reply.value), 512)

    def test_pattern_that_backtracks(self):
        """A pattern made to take for ever holds up nobody."""
        with self.server.client() as db:
            db.set(b"a" * 5000, b"1")
            db.list_keys("*a" * 200 + "b")
            db.value("DEL", "a" * 5000)

    def test_random_bytes(self):
        """Mutated and random frames; only the server's survival is judged. The seed is printed."""
        chance = random.Random(harness.SEED)
        good = frame(client.SET, b"fuzz", b"v" * 50) + argv_frame("MGET", "fuzz", "x")
        for _ in range(harness.by_level(100, 400, 2000)):
            data = bytearray(good * chance.randint(1, 3))
            for _ in range(chance.randint(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with client.connect(self.server.address) as peer:
                try:
                    peer.sendall(data[: chance.randint(1, len(data))])
                except OSError:
                    pass


if __name__ == "__main__":
    harness.main(limit_s=120)
