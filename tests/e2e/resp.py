"""A small blocking RESP client that keeps the raw bytes of each reply, for the tests alone.

Two servers' answers are equal when their bytes are: a client that only compared what it parsed
would not see a simple string in the place of a bulk string. So reply_end() finds where a reply
ends, and parse() is for those tests that ask what is in it.
"""
import socket

TIMEOUT_S = 60
LINE_TYPES = b"+-:_,#("  # The whole reply is its first line.
BULK_TYPES = b"$=!"  # A length, then so many bytes.
COUNT_TYPES = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}  # A count, then so many replies each.


class Closed(Exception):
    """The server ended the connection; `left` is what of a reply had come."""

    def __init__(self, left):
        super().__init__(f"the server ended the connection after {left!r}")
        self.left = left


class ProtocolError(Exception):
    """The server sent bytes that are no reply."""


class Error(str):
    """An error reply as a value."""


class Push(list):
    """A message that is the answer to nothing."""


def encode(words):
    """The bytes of one request; words are bytes, text or numbers."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        if not isinstance(word, bytes):
            word = str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


def head(data, start):
    """(type, text of the first line, where the line ends), or None while it is incomplete."""
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind = bytes(data[start : start + 1])
    if kind not in COUNT_TYPES and kind not in LINE_TYPES and kind not in BULK_TYPES or not kind:
        raise ProtocolError(f"no reply: {bytes(data[start : start + 40])!r}")
    return kind, bytes(data[start + 1 : line_end]), line_end + 2


def reply_end(data, start=0):
    """Where the reply that begins at `start` ends; None while it is incomplete."""
    open_replies, at = 1, start
    while open_replies:
        line = head(data, at)
        if line is None:
            return None
        kind, text, at = line
        open_replies -= 1
        if kind in COUNT_TYPES:
            open_replies += max(int(text), 0) * COUNT_TYPES[kind]
            open_replies += kind == b"|"  # Attributes precede the reply that they belong to.
        elif kind in BULK_TYPES and int(text) >= 0:
            at += int(text) + 2
            if at > len(data):
                return None
            if data[at - 2 : at] != b"\r\n":
                raise ProtocolError(f"a string of {int(text)} bytes does not end there")
    return at


def parse_line(kind, text):
    if kind == b"+":
        return text.decode("utf-8", "replace")
    if kind == b"-":
        return Error(text.decode("utf-8", "replace"))
    if kind in (b":", b"("):
        return int(text)
    if kind == b",":
        return float(text)
    if kind == b"#":
        return text == b"t"
    return None


def parse_at(data, start):
    """(value, end) of the complete reply at `start`."""
    kind, text, at = head(data, start)
    if kind in BULK_TYPES:
        if int(text) < 0:
            return None, at
        body = bytes(data[at : at + int(text)])
        if kind == b"!":
            body = Error(body.decode("utf-8", "replace"))
        return (body[4:] if kind == b"=" else body), at + int(text) + 2
    if kind not in COUNT_TYPES:
        return parse_line(kind, text), at
    if int(text) < 0:
        return None, at
    items = []
    for _ in range(int(text) * COUNT_TYPES[kind]):
        item, at = parse_at(data, at)
        items.append(item)
    if kind == b"%":
        return dict(zip(items[::2], items[1::2])), at
    return (Push(items) if kind == b">" else items), at


def parse(data):
    """The value of a whole reply: bytes, text, numbers, lists, dicts, None, Error, Push."""
    return parse_at(data, 0)[0]


class Client:
    """One connection. Not for several threads at once."""

    def __init__(self, port, timeout_s=TIMEOUT_S):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive_raw(self):
        """The bytes of the next reply or push. Closed when none comes any more."""
        while (end := reply_end(self.buffer)) is None:
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed(bytes(self.buffer))
            self.buffer += data
        raw = bytes(self.buffer[:end])
        del self.buffer[:end]
        return raw

    def receive(self):
        return parse(self.receive_raw())

    def command(self, *words):
        """Sends one request and hands out the value of its reply."""
        self.send(encode(words))
        return self.receive()
