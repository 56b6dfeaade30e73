"""Lines of redis_lines run on one server, and what two servers answered compared."""
import collections
import re
import socket
import time

import resp
from redis_lines import NUMBER

REPLY_TIMEOUT_S = 60  # For a reply that must come.
DISAPPOINTMENTS_MAX = 3  # A server that sends no messages at all is soon done with.
SOON_S = 0.02
MESSAGE_TIMEOUT_S = 20  # For what does come unless something is wrong: that is an answer, too.
CLOSED = b"(the connection was closed)"
LAST_MESSAGE = b"this was the last message"
OPEN = b"(the connection stayed open)"


class NoReplyError(Exception):
    """A reply did not come in its time. What comes late would be read as the reply to the next
    line, so nothing more can be compared on this connection."""


class Side:
    """One server as the lines see it: named connections, and words that were kept."""

    def __init__(self, port, protocol, password=""):
        self.password = password
        self.port = port
        self.protocol = protocol
        self.disappointments = 0
        self.clients = {}
        self.kept = {}

    def close(self):
        for client in self.clients.values():
            client.close()
        self.clients.clear()
        self.kept.clear()

    def client(self, name):
        if name not in self.clients:
            client = resp.Client(self.port, REPLY_TIMEOUT_S)
            self.clients[name] = client
            if self.protocol == 3:
                client.command("HELLO", 3)
        return self.clients[name]

    def start_empty(self):
        """No keys, and no connections of an earlier file."""
        self.close()
        with resp.Client(self.port, REPLY_TIMEOUT_S) as client:
            if self.password:
                client.command("AUTH", self.password)
            client.command("FLUSHALL")
            return client.command("DBSIZE")

    def request(self, line):
        if "raw" in line.marks:
            return b"".join(line.words)
        words = [
            self.kept.get(word[1:], word) if word[:1] == b"$" else word for word in line.words
        ]
        return resp.encode(words)

    def run(self, lines, model=()):
        """The raw answers of lines of one connection, sent in one go; `model` is what the other
        side answered, so that it is known what to wait for."""
        client = self.client(lines[0].connection)
        if "scan" in lines[0].marks:
            return [self.scan(client, lines[0])]
        if "messages" in lines[0].marks:
            return [self.messages(client, split_replies(model[0]) if model else ())]
        deadline = time.monotonic() + MESSAGE_TIMEOUT_S
        answers = self.ask(client, lines)
        while "eventually" in lines[0].marks and model and time.monotonic() < deadline:
            if same(lines[0], model[0], answers[0]):
                break
            time.sleep(SOON_S)
            answers = self.ask(client, lines)
        return answers

    def ask(self, client, lines):
        try:
            client.send(b"".join(self.request(line) for line in lines))
        except ConnectionError:
            pass  # Closed meanwhile; what came before that is still to be read.
        return [self.answer(client, line) for line in lines]

    def answer(self, client, line):
        """All bytes that belong to a line."""
        count = int(line.marks.get("replies", 1))
        out = b""
        try:
            client.socket.settimeout(REPLY_TIMEOUT_S)
            for _ in range(count):
                reply = client.receive_raw()
                out += reply
                if reply.startswith(b"-") and "raw" not in line.marks:
                    break  # A refused command has no more than that.
            if "closed" in line.marks:
                client.socket.settimeout(MESSAGE_TIMEOUT_S)
                out += client.receive_raw() + OPEN
        except socket.timeout:
            if "closed" not in line.marks:
                late = f"port {self.port} sent only {out + client.buffer!r} to {line.where}"
                raise NoReplyError(late) from None
            out += OPEN
        except resp.Closed as end:
            out += end.left + CLOSED
        except (resp.ProtocolError, ValueError):
            out += bytes(client.buffer)  # No reply at all, such as a line of HTTP.
            client.buffer.clear()
        if "keep" in line.marks and out.startswith(b"$"):
            self.kept[line.marks["keep"].encode()] = resp.parse(out)
        return out

    def messages(self, client, wanted):
        """What came unasked: as many as the other side saw, unless they do not come, and all that
        there is before the answer of a PING."""
        out = []
        try:
            is_patient = self.disappointments < DISAPPOINTMENTS_MAX
            client.socket.settimeout(MESSAGE_TIMEOUT_S if is_patient else SOON_S)
            while len(out) < len(wanted):
                out.append(client.receive_raw())
        except socket.timeout:
            self.disappointments += 1
        except resp.Closed:
            return b"".join(out) + CLOSED
        try:
            client.socket.settimeout(REPLY_TIMEOUT_S)
            client.send(resp.encode(["PING", LAST_MESSAGE]))
            while not is_last(reply := client.receive_raw()):
                if LAST_MESSAGE not in reply:  # Who monitors sees that PING, too.
                    out.append(reply)
        except (resp.Closed, OSError):
            out.append(CLOSED)
        return b"".join(out)

    @staticmethod
    def scan(client, line):
        """The keys of a SCAN from its beginning to its end, as one reply in their order."""
        keys, words = set(), list(line.words)
        for _ in range(10_000):
            client.send(resp.encode(words))
            raw = client.receive_raw()
            reply = resp.parse(raw)
            if not isinstance(reply, list) or len(reply) != 2:
                return raw
            keys.update(reply[1])
            if reply[0] == b"0":
                return b"".join(sorted(b"%b\r\n" % key for key in keys))
            words[1] = reply[0]
        return b"(a cursor that never gets 0)"


def is_last(reply):
    return reply.endswith(LAST_MESSAGE + b"\r\n") and not reply.startswith(b"+")


def batches(lines, chance):
    """Consecutive lines of one connection, as many at a time as chance wills: a pipeline."""
    alone = {"scan", "keep", "closed", "messages", "eventually"}
    batch, size = [], 1
    for line in lines:
        joins = batch and line.connection == batch[0].connection and len(batch) < size
        if joins and not ("sleep" in line.marks or alone & (line.marks.keys() | batch[-1].marks)):
            batch.append(line)
            continue
        if batch:
            yield batch
        batch, size = [line], chance.choice((1, 1, 2, 8, 64))
    if batch:
        yield batch


def split_replies(raw):
    """The whole replies in these bytes, and what is left of them."""
    found, at = [], 0
    while at < len(raw) and not raw.startswith(b"(", at):
        end = resp.reply_end(raw, at) or len(raw)
        found.append(raw[at:end])
        at = end
    return found + ([raw[at:]] if at < len(raw) else [])


def items(raw):
    """The replies inside a list, set or map, and its first line."""
    line = resp.head(raw, 0)
    if line is None or line[0] not in resp.COUNT_TYPES:
        return raw, []
    kind, text, at = line
    found = []
    for _ in range(max(int(text), 0)):
        start = at
        for _ in range(resp.COUNT_TYPES[kind]):
            at = resp.reply_end(raw, at)
        found.append(raw[start:at])
    return raw[: raw.index(b"\r\n")], found


# The others are of scripts, replicas and a database that is being loaded.
ROW_FLAGS = {"readonly", "write", "denyoom", "fast", "pubsub", "admin", "movablekeys"}


def rows(raw):
    """What COMMAND INFO says of commands, as far as it must be the same."""
    found = resp.parse(raw)
    if isinstance(found, resp.Error):
        return found
    return [
        row and (*row[:2], [flag for flag in row[2] if flag in ROW_FLAGS], *row[3:6])
        for row in found
    ]


def names(raw):
    value = resp.parse(raw)
    if isinstance(value, bytes):
        return [line.split(b":")[0] for line in value.splitlines()]
    if isinstance(value, list):
        return value[::2]
    return sorted(value) if isinstance(value, dict) else value


def same(line, one, other):
    """Whether two answers are equal as far as the line's marks ask for it."""
    if one == other:
        return True
    if CLOSED in one + other or not one or not other:
        return False
    marks = line.marks
    if "type" in marks:
        return one[:1] == other[:1]
    if "error" in marks:
        return one[:1] == other[:1] == b"-" and one.split()[0] == other.split()[0]
    if "names" in marks:
        return names(one) == names(other)
    if "any-order" in marks and "messages" in marks:
        return collections.Counter(split_replies(one)) == collections.Counter(split_replies(other))
    if "any-order" in marks:
        return [(top, collections.Counter(rest)) for top, rest in [items(one)]] == [
            (top, collections.Counter(rest)) for top, rest in [items(other)]
        ]
    if "row" in marks:
        return rows(one) == rows(other)
    if "shape" in marks or "near" in marks:
        return same_but_numbers(one, other, float(marks.get("near", "inf")))
    return False


LENGTH = re.compile(rb"([$=])\d+\r\n")  # Of a string, whose digits may be more or fewer.


def same_but_numbers(one, other, by):
    one, other = LENGTH.sub(rb"\1", one), LENGTH.sub(rb"\1", other)
    if NUMBER.sub(b"#", one) != NUMBER.sub(b"#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other))
    return all(abs(float(a) - float(b)) <= by for a, b in pairs)
