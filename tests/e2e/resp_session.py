"""A small RESP client, for the tests alone: words out, replies and messages in."""
import socket

TIMEOUT_S = 60


class Error(str):
    """An error reply, with its prefix."""


class Push(list):
    """A push of RESP3."""


class RespSession:
    """One connection. Simple strings and bulk strings are both bytes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = self.socket.makefile("rb")

    def close(self):
        self.received.close()
        self.socket.close()

    def send(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self.socket.sendall(b"".join(parts))

    def read(self):
        """The next reply or message."""
        line = self.received.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server has closed the connection")
        kind, text = line[:1], line[1:-2]
        if kind == b"+":
            return text
        if kind == b"-":
            return Error(text.decode())
        if kind == b":":
            return int(text)
        if kind == b"_" or text == b"-1":
            return None
        if kind in b"$=":
            data = self.received.read(int(text) + 2)[:-2]
            return data[4:] if kind == b"=" else data
        if kind == b"%":
            return {self.read(): self.read() for _ in range(int(text))}
        items = [self.read() for _ in range(int(text))]
        return Push(items) if kind == b">" else items

    def ask(self, *words):
        self.send(*words)
        return self.read()

    def line(self, text):
        """As ask(), of words between spaces."""
        return self.ask(*text.split())
