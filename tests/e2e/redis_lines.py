"""The notation of redis_lines/*.txt, which README.txt there defines."""
import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent / "redis_lines"
ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b"}
MARK = re.compile(r"\[([a-z-]+)((?: [^\]\s]+)*)\]\s*")
MARKS = {  # name: how many words it takes
    "any-order": 0, "near": 1, "type": 0, "error": 0, "scan": 0, "on": 1, "replies": 1,
    "messages": 0, "raw": 0, "closed": 0, "sleep": 1, "resp": 1, "keep": 1, "cores": 1, "shape": 0,
    "names": 0, "row": 0, "eventually": 0,
}  # fmt: skip
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


class NotationError(Exception):
    """A line that is none; the text names it."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a file: what is sent, and how what comes back is compared."""

    text: str  # Without its marks.
    where: str  # file:number
    words: tuple  # Bytes each.
    marks: dict  # name: its word, or True.

    @property
    def connection(self):
        return self.marks.get("on", "1")

    def is_for(self, protocol, cores):
        only = self.marks.get("resp", str(protocol)), self.marks.get("cores", str(cores))
        return only[0] == str(protocol) and str(cores) in only[1].split(",")

    @property
    def command(self):
        """What a report groups by."""
        return self.words[0].decode("utf-8", "replace").upper() if self.words else "(nothing)"


def quoted(text, at):
    """(bytes, end) of the quoted string that opens at `at`."""
    quote, out, at = text[at], bytearray(), at + 1
    while at < len(text) and text[at] != quote:
        if text[at] == "\\" and quote == '"':
            if text[at + 1 : at + 2] == "x":
                out += bytes.fromhex(text[at + 2 : at + 4])
                at += 4
            else:
                out += ESCAPES.get(text[at + 1], text[at + 1].encode())
                at += 2
        else:
            out += text[at].encode()
            at += 1
    if at >= len(text):
        raise NotationError("a quoted string does not end")
    return bytes(out), at + 1


def split(text):
    """The words of a command, as redis-cli splits them; "x"*9 is a word nine times over."""
    words, at = [], 0
    while True:
        while at < len(text) and text[at] == " ":
            at += 1
        if at == len(text):
            return tuple(words)
        if text[at] in "\"'":
            word, at = quoted(text, at)
            times = re.compile(r"\*(\d+)").match(text, at)
            if times:
                word, at = word * int(times[1]), times.end()
            if at < len(text) and text[at] != " ":
                raise NotationError("a quoted string goes on behind its end")
        else:
            end = (text + " ").index(" ", at)
            word, at = text[at:end].encode(), end
        words.append(word)


def read_line(text, where):
    """The Line, or None for a comment or an empty line."""
    if not text.strip() or text.startswith("#"):
        return None
    marks = {}
    while match := MARK.match(text):
        words = match[2].split()
        if MARKS.get(match[1]) != len(words):
            raise NotationError(f"{where}: no such mark: {match[0]}")
        marks[match[1]] = words[0] if words else True
        text = text[match.end() :]
    try:
        return Line(text, where, split(text), marks)
    except (NotationError, ValueError, IndexError) as error:
        raise NotationError(f"{where}: {error}") from None


def read_file(path):
    with open(path, encoding="utf-8") as file:
        lines = [
            read_line(text.rstrip("\n"), f"{path.name}:{number}")
            for number, text in enumerate(file, 1)
        ]
    return [line for line in lines if line]


def files():
    """{name: lines} of all rooms of commands."""
    names = sorted(path for path in FOLDER.glob("*.txt") if path.stem not in APART)
    return {path.stem: read_file(path) for path in names}


APART = ("README", "differences", "auth")  # The last one needs servers with a password.


@dataclasses.dataclass
class Difference:
    """An intended one: on which lines, what ours answers there, and why."""

    why: str
    line: str = ""
    ours: str = ""
    cores: str = "1,2,4"
    resp: str = "2,3"
    seen: set = dataclasses.field(default_factory=set)  # (cores, protocol)

    def expected(self):
        return {
            (int(cores), int(protocol))
            for cores in self.cores.split(",")
            for protocol in self.resp.split(",")
        }

    def explains(self, line, cores, protocol, ours):
        if line.text != self.line or (cores, protocol) not in self.expected():
            return False
        if not self.matches(ours):
            return False
        self.seen.add((cores, protocol))
        return True

    def matches(self, ours):
        parts = [re.escape(split(part)[0]) for part in self.ours.split(" ... ")]
        return bool(re.fullmatch(b".*".join(parts), ours, re.S))


def differences():
    """What differences.txt lists: blocks of `field: text`; `why` holds for all lines behind it."""
    found, why = [], ""
    with open(FOLDER / "differences.txt", encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            if not text.strip() or text.startswith("#"):
                continue
            field, _, value = text.strip().partition(": ")
            if field == "why":
                why = value
            elif field == "line":
                found.append(Difference(why=why, line=value))
            elif field in ("ours", "cores", "resp") and found:
                setattr(found[-1], field, value)
            else:
                raise NotationError(f"differences.txt:{number}: {text.strip()}")
    return found
