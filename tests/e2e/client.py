"""A small blocking client of the native protocol, for the tests alone.

Written from docs/PROTOCOL.md and not from the C++ codecs, so that both must agree on the bytes.
"""
import socket
import struct
from typing import NamedTuple

REQUEST_MAGIC, REPLY_MAGIC = 0xF1, 0xE1
HEADER = struct.Struct("<BBHIII")

# Request types.
ARGV, HELLO, GET, SET, DEL, EXISTS, INCR, PING = range(8)

# Request flags.
HAS_TTL, TTL_IS_TIME, IF_ABSENT, IF_PRESENT, KEEP_TTL, RETURN_OLD, WAIT_DURABLE, DO_NOT_WAIT = (
    1 << bit for bit in range(8)
)

# Statuses.
OK, NIL = 0, 1
BAD_FRAME, ERROR, TOO_LARGE, NOT_AUTHENTICATED, WRONG_PASSWORD = 16, 17, 18, 19, 20
OUT_OF_MEMORY, DISK_FULL, CROSS_SLOT, SHUTTING_DOWN, BUSY = 21, 22, 23, 24, 25

# Kinds of a reply's value.
NONE, BYTES, INTEGER, TEXT, LIST, MAP, NIL_ITEM, ERROR_ITEM = range(8)
MORE_FOLLOWS = 0x8000

TIMEOUT_S = 60


class ProtocolError(Exception):
    """The server sent bytes that are no reply, or ended the connection inside one."""


class Reply(NamedTuple):
    """One frame; `value` is bytes, int, str, list, dict or None, by its kind."""

    status: int
    value: object
    id: int
    more_follows: bool = False

    @property
    def is_error(self):
        return self.status >= BAD_FRAME


def frame(kind, key=b"", value=b"", flags=0, ttl_ms=None, request_id=0):
    """The bytes of one request."""
    ttl = b""
    if ttl_ms is not None:
        flags |= HAS_TTL
        ttl = struct.pack("<Q", ttl_ms)
    header = HEADER.pack(REQUEST_MAGIC, kind, flags, request_id, len(key), len(value))
    return b"".join((header, ttl, key, value))


def argv_frame(*words, flags=0, request_id=0):
    """The bytes of a request in the argv form; words are bytes, text or numbers."""
    parts = [struct.pack("<I", len(words))]
    for word in words:
        if not isinstance(word, bytes):
            word = str(word).encode()
        parts += (struct.pack("<I", len(word)), word)
    return frame(ARGV, value=b"".join(parts), flags=flags, request_id=request_id)


def numbered(request, request_id):
    """A request's bytes with another id."""
    magic, kind, flags, _, key_size, size = HEADER.unpack_from(request)
    header = HEADER.pack(magic, kind, flags, request_id, key_size, size)
    return header + request[HEADER.size :]


def decode_value(kind, data):
    """The value of a reply, or of an item in a list or map."""
    if kind in (NONE, NIL_ITEM):
        return data.decode() if data else None  # A status with its text.
    if kind == BYTES:
        return bytes(data)
    if kind == INTEGER:
        return struct.unpack("<q", data)[0]
    if kind == TEXT:
        return data.decode()
    if kind == ERROR_ITEM:
        return Reply(data[0], bytes(data[1:]).decode(), 0)
    if kind in (LIST, MAP):
        count = struct.unpack_from("<I", data)[0] * (2 if kind == MAP else 1)
        items, offset = [], 4
        for _ in range(count):
            item_kind, size = struct.unpack_from("<BI", data, offset)
            offset += 5
            items.append(decode_value(item_kind, data[offset : offset + size]))
            offset += size
        if offset != len(data):
            raise ProtocolError(f"{len(data) - offset} bytes too many in a list")
        return dict(zip(items[::2], items[1::2])) if kind == MAP else items
    raise ProtocolError(f"kind {kind} of a reply is unknown")


def connect(address, timeout_s=TIMEOUT_S):
    """A socket to (host, port), or to a path."""
    if isinstance(address, str):
        unix = socket.socket(socket.AF_UNIX)
        unix.settimeout(timeout_s)
        unix.connect(address)
        return unix
    tcp = socket.create_connection(address, timeout=timeout_s)
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tcp


class Client:
    """One connection. Not for several threads at once."""

    def __init__(self, address, timeout_s=TIMEOUT_S):
        self.socket = connect(address, timeout_s)
        self.buffer = bytearray()
        self.start = 0  # Where the first unread byte of the buffer is.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _need(self, count):
        while len(self.buffer) - self.start < count:
            if self.start > 1 << 20:
                del self.buffer[: self.start]
                self.start = 0
            data = self.socket.recv(1 << 18)
            if not data:
                raise ProtocolError("the server ended the connection")
            self.buffer += data

    def receive(self):
        """The next reply frame."""
        self._need(HEADER.size)
        magic, status, kind, request_id, key_size, size = HEADER.unpack_from(
            self.buffer, self.start
        )
        if magic != REPLY_MAGIC or key_size != 0:
            raise ProtocolError(f"no reply: {bytes(self.buffer[self.start : self.start + 16])!r}")
        self._need(HEADER.size + size)
        begin = self.start + HEADER.size
        data = bytes(memoryview(self.buffer)[begin : begin + size])
        self.start = begin + size
        if self.start == len(self.buffer):
            self.buffer.clear()
            self.start = 0
        value = decode_value(kind & ~MORE_FOLLOWS, data)
        return Reply(status, value, request_id, bool(kind & MORE_FOLLOWS))

    def ask(self, data):
        """Sends the bytes of one request and waits for its reply."""
        self.send(data)
        return self.receive()

    def pipeline(self, frames):
        """Sends all, then reads as many replies. For what fits into the socket's buffers."""
        self.send(b"".join(frames))
        return [self.receive() for _ in frames]

    def command(self, *words, flags=0):
        """A command in the argv form."""
        return self.ask(argv_frame(*words, flags=flags))

    def value(self, *words):
        """What a command answers; an error reply raises."""
        reply = self.command(*words)
        if reply.is_error:
            raise ProtocolError(f"{words[0]}: {reply.value}")
        return reply.value

    def get(self, key):
        return self.ask(frame(GET, key)).value

    def set(self, key, value, **more):
        return self.ask(frame(SET, key, value, **more))

    def list_keys(self, *words):
        """The keys of a LIST over all its frames, and the cursor where it says one."""
        self.send(argv_frame("LIST", *words))
        frames = [self.receive()]
        while frames[-1].more_follows:
            frames.append(self.receive())
        return frames
