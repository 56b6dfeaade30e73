#!/usr/bin/env python3
"""Checks what the compiler does not: layers, include cycles, lengths, awaits, banned calls.

usage: tidy.py ROOT

The rules are functions from a source file to complaints; the data they judge by stands first
(layers.py has the rooms). A rule must have its mutation in selftest.py, which shows that it fires.
EXCESS lists what breaks a length rule today; an entry may only shrink, and goes when it is no
longer needed.
"""
import pathlib
import re
import sys

from layers import LAYERS

MAIN = "phoenix/main.cc"  # Assembles everything; stands above the layers.

# Headers of others, and the only places that may include them.
FOREIGN = {
    "liburing.h": ("phoenix/uring/", "bench/ceiling/", "tests/"),
    "liburing/io_uring.h": ("phoenix/uring/", "bench/ceiling/", "tests/"),
    "linux/io_uring.h": ("phoenix/uring/", "bench/ceiling/", "tests/"),
    "CLI/": ("phoenix/server/config.cc", "cli/", "bench/", "tests/"),
    "nlohmann/": ("cli/", "bench/", "tests/"),
    "doctest/": ("tests/",),
    "histedit.h": ("cli/terminal_editor.cc",),
    "iostream": ("cli/", "bench/", "tests/"),
}

# (pattern, why, where it is all right). Strings and comments are blanked out before the search.
BANNED = [
    (
        r"\bsystem_clock\b|\bgettimeofday\s*\(|\bclock_gettime\s*\(|(?<![\w.>:])time\s*\(",
        "wall time comes from Clock&",
        ("phoenix/uring/", MAIN, "cli/", "bench/", "tests/"),
    ),
    (
        r"\b(steady|high_resolution)_clock\b",
        "time comes from Clock&",
        ("phoenix/uring/", MAIN, "phoenix/client/", "cli/", "bench/", "tests/"),
    ),
    (
        r"\brandom_device\b|(?<![\w.>])s?rand\s*\(|\bmt19937|\bget(random|entropy)\s*\(",
        "chance comes from Random&",
        ("phoenix/uring/", MAIN, "cli/main.cc", "bench/", "tests/"),
    ),
    (
        r"\b(secure_)?getenv\s*\(",
        "settings come from the command line, read in main",
        ("phoenix/uring/", MAIN, "cli/", "bench/", "tests/"),
    ),
    (
        r"\bstd::(thread|jthread|async|this_thread)\b|\bpthread_create\b",
        "threads are started in main: the simulator runs everything else in one",
        ("phoenix/uring/", MAIN, "bench/", "tests/"),
    ),
    (
        r"\bstd::(mutex|shared_mutex|recursive_mutex|condition_variable)\b",
        "a core owns its data: cores talk through mailboxes",
        ("phoenix/uring/", MAIN, "bench/", "tests/"),
    ),
    (
        r"\b(v?f?printf|puts|fputs|putchar)\s*\(|\bfmt::print\b|\bstd::(cout|cerr|clog)\b",
        "only programs talk to the terminal",
        ("phoenix/base/check.cc", "phoenix/uring/", MAIN, "cli/", "bench/", "tests/"),
    ),
    (
        r"(?<![\w.>])(std::)?(malloc|calloc|realloc|free|aligned_alloc|posix_memalign)\s*\(",
        "own with values and unique_ptr",
        ("phoenix/engine/", "tests/"),
    ),
    (r"\bthrow\b", "expected failures are Result<T>, bugs are PHX_CHECK", ("tests/",)),
    (
        r"\b(try|catch)\b",
        "no exceptions",
        ("phoenix/server/config.cc", "cli/", "bench/", "tests/"),
    ),
    (r"(?<![\w.])assert\s*\(", "PHX_CHECK stays on in release", ()),
    (r"\busing\s+namespace\b", "names keep their home", (MAIN, "tests/")),
    (r"\b(reinterpret_pointer_cast|dynamic_cast|typeid)\b", "there is no run-time typing", ()),
    (r"\bgoto\b", "leaves are straight", ()),
    (r"\bvolatile\b", "use std::atomic", ("bench/", "tests/")),
    (r"^\s*#\s*ifndef\s+\w+_H_?\b", "headers open with #pragma once", ()),
]

FILE_LINES, LINE_COLUMNS, FUNCTION_LINES = 500, 100, 70

# ("rule", "path" or "path: function") -> today's figure. May only shrink.
EXCESS = {}

# Put together here, so that this file does not hold what it looks for.
MACHINE_PATHS = ["/wo" + "rk/", "/tmp/" + "phx"]
REGISTRY_HOSTS = [
    "deb.deb" + "ian.org",
    "snapshot.deb" + "ian.org",
    "registry.np" + "mjs.org",
    "py" + "pi.org",
    "crates" + ".io",
    "proxy.gol" + "ang.org",
    "wrapdb.mes" + "onbuild.com",
    "archive.ubu" + "ntu.com",
]
UNFINISHED = re.compile("|".join([r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b"]))

CODE_FOLDERS = ("protocol", "phoenix", "cli", "bench", "tests")
CODE_SUFFIXES = (".h", ".cc")
TEXT_SUFFIXES = (".h", ".cc", ".py", ".md", ".build", ".txt", ".wrap", ".supp", ".sh", "")
SKIPPED_FOLDERS = (".git", "corpus", "golden", "__pycache__", "phoenix-data")

DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)
KEYWORDS = {"if", "for", "while", "switch", "catch", "return", "sizeof", "alignof", "decltype"}


class Source:
    """One file: its path in the tree, its text, and its text without comments and strings."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.splitlines()
        self.is_code = path.endswith(CODE_SUFFIXES)
        self.code = blank(text) if self.is_code else ""
        # Without directives too: a `#if` must not look like the head of what follows it.
        self.statements = DIRECTIVE.sub(lambda match: " " * len(match[0]), self.code)

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


def blank(text):
    """The text with comments, strings and characters overwritten by spaces; offsets stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s]*)\(.*?\)(?P=tag)"'
        r'|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
        re.S,
    )

    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def layer_of(path):
    """The layer that holds a path, or None."""
    homes = [layer for layer in LAYERS if path.startswith(layer + "/")]
    return max(homes, key=len) if homes else None


def check_layers(source, files):
    """Includes point downward only."""
    here = layer_of(source.path)
    for match in INCLUDE.finditer(source.text):
        if match[1] != '"':
            continue
        target, line = match[2], source.line_of(match.start())
        there = layer_of(target)
        if there is None:
            if target in files or source.path.startswith("phoenix/"):
                yield line, f"{target} lies in no layer: include by the path from the root"
            continue
        if source.path == MAIN:
            if there in ("tests", "phoenix/sim", "cli", "bench"):
                yield line, f"main may not include {target}"
        elif here is None:
            yield line, f"{source.path} lies in no layer (see LAYERS in tests/tidy/tidy.py)"
        elif LAYERS[here] is not None and there != here and there not in LAYERS[here]:
            yield line, f"{here} may not include {target} (see LAYERS in tests/tidy/tidy.py)"


def check_foreign(source, files):
    """Headers of others stay in the rooms that wrap them."""
    for match in INCLUDE.finditer(source.text):
        for header, homes in FOREIGN.items():
            named = match[2].startswith(header) if header.endswith("/") else match[2] == header
            if match[1] == "<" and named and not source.path.startswith(homes):
                yield source.line_of(match.start()), f"<{match[2]}> belongs in {', '.join(homes)}"


def check_banned(source, files):
    """Calls that belong in one place are made nowhere else."""
    for pattern, why, homes in BANNED:
        if homes and source.path.startswith(homes):
            continue
        for match in re.finditer(pattern, source.code, re.M):
            yield source.line_of(match.start()), f"{match[0].strip()}: {why}"


def check_headers(source, files):
    """A header opens with why it exists, and is read once."""
    # g++ warns of it in a header that it precompiles.
    is_precompiled = "/pch/" in source.path
    is_open = source.path.endswith(".h") and not is_precompiled
    if is_open and not re.search(r"^#pragma once$", source.text, re.M):
        yield 1, "a header needs #pragma once"
    if source.path.endswith(".h") and not source.text.startswith("//"):
        yield 1, "a header opens with why it exists"


AWAIT = re.compile(r"(?<![\w])co_await\b")
AWAIT_STATEMENT = re.compile(
    r"^(?:co_return\s+"
    r"|(?:const\s+)?(?:auto|[\w:]+(?:<[^;=]*>)?)\s*[&*]{0,2}\s*\w+\s*=\s*"  # A named local.
    r"|[\w.\[\]>-]+\s*=\s*)?$"  # Or one that exists.
)


# What may follow co_await, without the arguments: a name, or a call of a member, all in one piece.
AWAITED = re.compile(r"^(?:\w|::|\.|->|\[|\]|<[\w:, *<>]*>|\*)*$")


def check_awaits(source, files):
    """g++ 12.2 miscompiles an await that is part of a larger expression, or of a condition."""
    for match in AWAIT.finditer(source.statements):
        line = source.line_of(match.start())
        start = max(source.statements.rfind(mark, 0, match.start()) for mark in ";{}") + 1
        before = source.statements[start : match.start()]
        before = re.sub(r"\s+", " ", before).strip()
        # `else co_await f();` and `case x: co_await f();` stand alone as well.
        before = re.sub(r"^(?:else|do|case [^?]*?(?<!:):(?!:)|default ?:) ?", "", before)
        before = re.sub(r"^\[\[\w+\]\] ?", "", before)
        before = strip_condition(before)
        block = max(source.statements.rfind(mark, 0, match.start()) for mark in "{}") + 1
        around = source.statements[block : match.start()]
        if around.count("(") > around.count(")"):
            before = None  # Inside a condition, the head of a loop, or an argument list.
        end = source.statements.find(";", match.end())
        after = source.statements[match.end() : end if end >= 0 else len(source.statements)]
        if before is None or not AWAIT_STATEMENT.match(before + " " if before else ""):
            yield line, "an await stands alone or initialises a named local (g++ 12.2)"
        if "{" in after:
            yield line, "no { in the statement of an await (g++ 12.2): name the value first"
        elif not AWAITED.match(outermost(after)):
            yield line, "an await is no part of a larger expression (g++ 12.2)"


def outermost(text):
    """The text without what stands in round brackets; with an open or stray one it stays odd."""
    while True:
        shorter = re.sub(r"\([^()]*\)", "", text)
        if shorter == text:
            return text.strip()
        text = shorter


def strip_condition(before):
    """Without `if (...)` and the like in front; None if the await is inside the brackets."""
    match = re.match(r"^(?:if|while|switch|for)\b[^(]*\(", before)
    if not match:
        return before
    depth, position = 1, match.end()
    while position < len(before) and depth > 0:
        depth += {"(": 1, ")": -1}.get(before[position], 0)
        position += 1
    return before[position:].strip() if depth == 0 else None


CAPTURING_COROUTINE = re.compile(
    r"\[[^\]\[]+\]\s*(?:\([^()]*\)\s*)?(?:mutable\s*)?->\s*[\w:]*Task\b"
)


def check_lambdas(source, files):
    """A capturing lambda that is a coroutine outlives its captures."""
    for match in CAPTURING_COROUTINE.finditer(source.code):
        yield source.line_of(match.start()), "no capturing lambda is a coroutine (g++ 12.2)"


def functions(source):
    """(name, first line, lines) of everything that looks like a function body, roughly."""
    code = source.statements
    stack = []
    for match in re.finditer(r"[{}]", code):
        if match[0] == "{":
            stack.append((match.start(), head_of(code, match.start())))
        elif stack:
            start, name = stack.pop()
            if name:
                first, last = source.line_of(start), source.line_of(match.start())
                yield name, first, last - first + 1


def head_of(code, brace):
    """The name of the function whose body opens at `brace`, or None for any other brace."""
    start = max(code.rfind(mark, 0, brace) for mark in ";{}") + 1
    head = code[start:brace]
    # `Name(arguments) qualifiers : initialisers {`; initialisers of braces end in `}` and are rare.
    match = re.search(r"([\w:~]+|operator\s*\S+)\s*\(", head)
    if not match or match[1] in KEYWORDS or re.match(r"\s*(?:=|return\b)", head):
        return None
    name = match[1]
    if name in ("TEST_CASE", "TEST_CASE_FIXTURE", "SUBCASE", "alignas", "requires"):
        return name if name.startswith("TEST") else None
    return name


def check_lengths(source, files):
    """Files, lines and functions have a size that a reader can hold."""
    if len(source.lines) > FILE_LINES:
        yield from excess(source.path, 1, "file", len(source.lines), FILE_LINES)
    for number, line in enumerate(source.lines, 1):
        # A long address cannot be broken.
        if len(line) > LINE_COLUMNS and "http" not in line:
            yield number, f"{len(line)} columns, at most {LINE_COLUMNS}"
    if source.is_code:
        for name, first, lines in functions(source):
            if lines > FUNCTION_LINES:
                what = f"{source.path}: {name}"
                yield from excess(what, first, "function", lines, FUNCTION_LINES)


def excess(what, line, rule, figure, limit):
    """A complaint, unless EXCESS allows this figure; an allowance that is too large is one too."""
    allowed = EXCESS.get((rule, what))
    if allowed is None:
        yield line, f"{rule} of {figure} lines, at most {limit}"
    elif figure > allowed:
        yield line, f"{rule} grew from {allowed} to {figure} lines: EXCESS may only shrink"
    elif figure < allowed:
        yield line, f"{rule} shrank to {figure} lines: lower its entry in EXCESS"


def check_excess(sources):
    """An entry of EXCESS that nothing needs any more goes."""
    by_path = {source.path: source for source in sources}
    for (rule, what), _ in EXCESS.items():
        path, _, name = what.partition(": ")
        source = by_path.get(path)
        if rule == "file":
            needed = source and len(source.lines) > FILE_LINES
        else:
            needed = source and any(
                function == name and lines > FUNCTION_LINES
                for function, _, lines in functions(source)
            )
        if not needed:
            yield f"tests/tidy/tidy.py: EXCESS names {rule} {what}, which is within the limit now"


def check_words(source, files):
    """The tree names no machine, no registry, and leaves nothing to be done."""
    for words, why in ((MACHINE_PATHS, "a path of one machine"), (REGISTRY_HOSTS, "a registry")):
        for word in words:
            offset = source.text.find(word)
            if offset >= 0:
                yield source.line_of(offset), f"names {why}: {word}"
    match = UNFINISHED.search(source.text)
    if match:
        yield source.line_of(match.start()), f"{match[0]}: finish it, or file it elsewhere"


def check_whitespace(source, files):
    """No tabs, no blanks at line ends, and a newline at the end of the file."""
    for number, line in enumerate(source.lines, 1):
        if line != line.rstrip() and not source.path.endswith(".md"):
            yield number, "blanks at the end of the line"
        if "\t" in line:
            yield number, "a tab"
    if source.text and not source.text.endswith("\n"):
        yield len(source.lines), "no newline at the end"


def check_cycles(sources):
    """No header reaches itself."""
    graph = {s.path: [m[2] for m in INCLUDE.finditer(s.text) if m[1] == '"'] for s in sources}
    state = {}
    for root in sorted(graph):
        trail = [(root, iter(graph[root]))]
        while trail:
            node, rest = trail[-1]
            state[node] = "open"
            step = next(rest, None)
            if step is None:
                state[node] = "done"
                trail.pop()
            elif state.get(step) == "open":
                names = [name for name, _ in trail]
                cycle = " -> ".join(names[names.index(step) :] + [step])
                yield f"{node}: include cycle {cycle}"
            elif step in graph and state.get(step) is None:
                trail.append((step, iter(graph[step])))


CODE_RULES = [
    check_layers,
    check_foreign,
    check_banned,
    check_headers,
    check_awaits,
    check_lambdas,
    check_lengths,
]
TEXT_RULES = [check_words, check_whitespace]


def judge(sources):
    """Every complaint about these sources, as `path:line: text`."""
    files = {source.path for source in sources}
    complaints = []
    for source in sources:
        rules = TEXT_RULES + (CODE_RULES if source.is_code else [])
        if source.path.endswith(".py"):
            rules = rules + [check_lengths]
        for rule in rules:
            for line, text in rule(source, files):
                complaints.append(f"{source.path}:{line}: {text}")
    complaints += check_cycles([source for source in sources if source.is_code])
    complaints += check_excess(sources)
    return complaints


def collect(root):
    """The sources of the tree: code in its folders, and every other text file."""
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        top = relative.parts[0]
        if top.startswith("build") or any(part in SKIPPED_FOLDERS for part in relative.parts):
            continue
        if top == "subprojects" and len(relative.parts) > 2 and relative.parts[1] != "packagefiles":
            continue
        if not path.is_file() or path.is_symlink() or path.suffix not in TEXT_SUFFIXES:
            continue
        if path.suffix in CODE_SUFFIXES and top not in CODE_FOLDERS:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # Not text after all.
        yield Source(relative.as_posix(), text)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sources = list(collect(pathlib.Path(sys.argv[1])))
    complaints = judge(sources)
    for complaint in complaints:
        print(complaint)
    print(f"tidy: {len(sources)} files, {len(complaints)} complaints")
    sys.exit(1 if complaints or not sources else 0)


if __name__ == "__main__":
    main()
