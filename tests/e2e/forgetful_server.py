#!/usr/bin/env python3
"""A small RESP server with a log, and with faults on request: what a crash test must find.

usage: forgetful_server.py PORT DIRECTORY FAULT

honest  every write is in the log (with the kernel) before it is answered
tail    the newest writes are not in the log yet when they are answered
delete  deletes are answered and not logged: deleted values come back after a crash
late    one of two cached copies serves every other read, and is up to 50 writes behind
refuse  takes no writes
mixup   now and then a write goes to a neighbour of its key at the next start
"""
import os
import socketserver
import sys
import threading

PORT, DIRECTORY, FAULT = int(sys.argv[1]), sys.argv[2], sys.argv[3]
LOG = os.path.join(DIRECTORY, "log")
FORGOTTEN_WRITES = 40


class Store:
    def __init__(self):
        self.lock = threading.Lock()
        self.data = {}
        self.stale = {}
        self.count = self.reads = 0
        self.load()
        self.stale = dict(self.data)
        self.log = open(LOG, "ab", buffering=0)
        self.unlogged = []

    def load(self):
        """Up to the first record that is not whole."""
        if not os.path.exists(LOG):
            return
        with open(LOG, "rb") as file:
            records = file.read()
        at = number = 0
        while at + 16 <= len(records):
            key_bytes, value_bytes = int(records[at : at + 8]), int(records[at + 8 : at + 16])
            end = at + 16 + key_bytes + max(0, value_bytes)
            if end > len(records):
                break
            key = records[at + 16 : at + 16 + key_bytes]
            number += 1
            if FAULT == "mixup" and number % 7 == 0:
                key = b"crash:0:1"
            if value_bytes < 0:
                self.data.pop(key, None)
            else:
                self.data[key] = records[at + 16 + key_bytes : end]
            at = end
        os.truncate(LOG, at)

    def append(self, key, value):
        size = -1 if value is None else len(value)
        self.unlogged.append(b"%8d%8d" % (len(key), size) + key + (value or b""))
        while len(self.unlogged) > (FORGOTTEN_WRITES if FAULT == "tail" else 0):
            self.log.write(self.unlogged.pop(0))

    def run(self, words):
        name = words[0].upper()
        if name == b"PING":
            return b"+PONG\r\n"
        if name == b"GET":
            value = self.read(words[1])
            return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
        if name == b"SET" and FAULT != "refuse":
            self.write(words[1], words[2])
            return b"+OK\r\n"
        if name == b"DEL" and FAULT != "refuse":
            if FAULT == "delete":
                self.data.pop(words[1], None)
            else:
                self.write(words[1], None)
            return b":1\r\n"
        return b"-ERR it cannot do that\r\n"

    def read(self, key):
        self.reads += 1
        if FAULT == "late" and self.reads % 2 == 0:
            return self.stale.get(key)
        return self.data.get(key)

    def write(self, key, value):
        self.append(key, value)
        self.count += 1
        if self.count % 50 == 0:
            self.stale = dict(self.data)
        if value is None:
            self.data.pop(key, None)
        else:
            self.data[key] = value


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True  # Replies to a pipeline are sent one by one.

    def handle(self):
        while True:
            head = self.rfile.readline()
            if not head.startswith(b"*"):
                return
            words = []
            for _ in range(int(head[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:size])
            with STORE.lock:
                reply = STORE.run(words)
            try:
                self.wfile.write(reply)
            except OSError:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 64
    daemon_threads = True


if __name__ == "__main__":
    STORE = Store()
    with Server(("127.0.0.1", PORT), Handler) as server:
        server.serve_forever()
