#!/usr/bin/env python3
"""Shows that every rule of tidy.py fires on what it forbids, and is silent on its lawful twin.

A rule or a row of its data without a case here fails, so that none can rot unnoticed.
"""
import sys

import tidy

# (rule, path, text that it must complain about, part of the complaint)
BAD = [
    ("check_layers", "phoenix/engine/a.cc", '#include "phoenix/io/ring.h"\n', "may not include"),
    ("check_layers", "protocol/a.cc", '#include "phoenix/base/hash.h"\n', "may not include"),
    ("check_layers", "phoenix/server/a.cc", '#include "phoenix/uring/ring.h"\n', "may not include"),
    ("check_layers", "phoenix/log/a.cc", '#include "ring.h"\n', "lies in no layer"),
    ("check_layers", "phoenix/a.cc", '#include "phoenix/io/ring.h"\n', "lies in no layer"),
    ("check_layers", "phoenix/main.cc", '#include "phoenix/sim/disk.h"\n', "main may not"),
    ("check_headers", "phoenix/io/a.h", "// Why.\nint f();\n", "#pragma once"),
    ("check_headers", "phoenix/io/a.h", "#pragma once\nint f();\n", "opens with why"),
    ("check_awaits", "phoenix/io/a.cc", "if (co_await f()) return;\n", "stands alone"),
    ("check_awaits", "phoenix/io/a.cc", "while (!co_await f()) g();\n", "stands alone"),
    ("check_awaits", "phoenix/io/a.cc", "for (auto x : co_await f()) g(x);\n", "stands alone"),
    ("check_awaits", "phoenix/io/a.cc", "for (int i = 0; co_await f(i);) g(i);\n", "stands alone"),
    ("check_awaits", "phoenix/io/a.cc", "g(co_await f());\n", "stands alone"),
    ("check_awaits", "phoenix/io/a.cc", "const auto s = (co_await f()).s;\n", "stands alone"),
    ("check_awaits", "phoenix/io/a.cc", "auto s = b ? co_await f() : 0;\n", "stands alone"),
    ("check_awaits", "phoenix/io/a.cc", "const auto s = co_await f() + 1;\n", "larger expr"),
    ("check_awaits", "phoenix/io/a.cc", "co_await f() || g();\n", "larger expr"),
    ("check_awaits", "phoenix/io/a.cc", "co_await f(Op{.a = 1});\n", "no {"),
    ("check_awaits", "phoenix/io/a.cc", "co_await f({s, 3});\n", "no {"),
    ("check_awaits", "phoenix/io/a.cc", "co_await f([&](int x) { return x; });\n", "no {"),
    ("check_lambdas", "phoenix/io/a.cc", "auto f = [&](int x) -> Task<int> {};\n", "capturing"),
    ("check_lambdas", "phoenix/io/a.cc", "auto f = [this]() -> io::Task<> {};\n", "capturing"),
    ("check_lengths", "phoenix/io/a.cc", "int x;\n" * 501, "file of 501 lines"),
    ("check_lengths", "phoenix/io/a.cc", "// " + "x" * 98 + "\n", "101 columns"),
    ("check_lengths", "phoenix/io/a.cc", "void f() {\n" + "g();\n" * 70 + "}\n", "function of 72"),
    ("check_lengths", "tests/a.py", "x = 1\n" * 501, "file of 501 lines"),
    ("check_words", "docs/A.md", "see " + tidy.MACHINE_PATHS[0] + "main\n", "one machine"),
    ("check_words", "scripts/a", "curl " + tidy.REGISTRY_HOSTS[0] + "\n", "a registry"),
    ("check_words", "phoenix/io/a.cc", "// TO" + "DO: later\n", "finish it"),
    ("check_whitespace", "phoenix/io/a.cc", "int x; \n", "blanks"),
    ("check_whitespace", "phoenix/io/a.cc", "\tint x;\n", "a tab"),
    ("check_whitespace", "phoenix/io/a.cc", "int x;", "no newline"),
]

# One line of code per row of BANNED, or more; each must hit exactly the row with this number.
BANNED = [
    (0, "auto t = std::chrono::system_clock::now();"),
    (0, "clock_gettime(CLOCK_REALTIME, &t);"),
    (0, "auto t = time(nullptr);"),
    (1, "auto t = std::chrono::steady_clock::now();"),
    (2, "std::random_device device;"),
    (2, "int x = rand();"),
    (2, "std::mt19937_64 engine;"),
    (2, "getrandom(p, 8, 0);"),
    (3, 'auto* home = std::getenv("HOME");'),
    (4, "std::thread worker(f);"),
    (4, "std::this_thread::yield();"),
    (5, "std::mutex mutex;"),
    (6, 'fprintf(stderr, "x");'),
    (6, "std::cout << 1;"),
    (6, 'fmt::print("x");'),
    (7, "void* p = std::malloc(8);"),
    (7, "free(p);"),
    (8, "throw 1;"),
    (9, "try { f(); } catch (...) {}"),
    (10, "assert(x == 1);"),
    (11, "using namespace std;"),
    (12, "auto* p = dynamic_cast<B*>(a);"),
    (13, "goto end;"),
    (14, "volatile int x;"),
    (15, "#ifndef PHOENIX_IO_A_H_"),
]

# What must pass, as whole files.
GOOD = [
    ("phoenix/log/a.cc", '#include <vector>\n\n#include "phoenix/io/ring.h"\n'),
    ("phoenix/main.cc", '#include "phoenix/uring/ring.h"\n'),
    ("tests/unit/io/a.cc", '#include "phoenix/sim/disk.h"\n#include "protocol/binary.h"\n'),
    ("phoenix/io/a.h", "// Why.\n#pragma once\n"),
    ("phoenix/io/a.cc", "co_await f(x);\nconst auto r = co_await ring.read(file, at, size);\n"),
    ("phoenix/io/a.cc", "co_return co_await f(std::move(x));\n"),
    ("phoenix/io/a.cc", "if (x > 1) co_await f();\nelse co_await g();\nr = co_await f<int>(x);\n"),
    ("phoenix/io/a.cc", "switch (x) { case A::b: co_await f(); break; default: co_await g(); }\n"),
    ("phoenix/io/a.cc", "const Result<int> r = co_await self->disk_[1].sync(file);\n"),
    ("phoenix/io/a.cc", "auto f = [](int x) -> Task<int> { co_return x; };\n"),
    ("phoenix/io/a.cc", '// rand() and co_await in words\nauto s = "throw time(0) goto";\n'),
    ("phoenix/io/a.cc", "clock.time(); timers.free(x); x.rand(); lifetime(1); random();\n"),
    ("phoenix/io/a.cc", "struct A {\n" + "int x;\n" * 80 + "};\n"),
    ("phoenix/io/a.cc", "namespace a {\n" + "int x;\n" * 80 + "}\n"),
    ("phoenix/engine/a.cc", "void* p = std::malloc(8);\n"),
    ("cli/main.cc", '#include <iostream>\nint main() { std::cout << "x"; }\n'),
    ("docs/A.md", "Two blanks end this line  \n"),
]


def shared_cases():
    """Rules over several files at once: (what, sources, part of the complaint or None)."""
    a = tidy.Source("phoenix/io/a.h", '// Why.\n#pragma once\n#include "phoenix/io/b.h"\n')
    b = tidy.Source("phoenix/io/b.h", '// Why.\n#pragma once\n#include "phoenix/io/a.h"\n')
    leaf = tidy.Source("phoenix/io/b.h", "// Why.\n#pragma once\n")
    return [
        ("cycle", [a, b], "include cycle"),
        ("no cycle", [a, leaf], None),
    ]


def excess_cases():
    """EXCESS allows what it lists, no more and no less: (figure allowed, lines, complaint)."""
    return [
        (510, 510, None),
        (510, 511, "grew"),
        (510, 505, "shrank"),
        (510, 400, "within the limit"),
    ]


def run_bad(errors):
    fired = set()
    for rule, path, text, part in BAD:
        source = tidy.Source(path, text)
        found = [complaint for _, complaint in getattr(tidy, rule)(source, {path})]
        if any(part in complaint for complaint in found):
            fired.add(rule)
        else:
            errors.append(f"{rule} is silent on {text[:60]!r}: {found}")
    for rule in {rule.__name__ for rule in tidy.CODE_RULES + tidy.TEXT_RULES} - fired:
        if rule not in ("check_banned", "check_foreign"):
            errors.append(f"{rule} has no case")
    return len(BAD)


def run_tables(errors):
    hit = set()
    for row, line in BANNED:
        source = tidy.Source("phoenix/io/a.cc", line + "\n")
        whys = [complaint for _, complaint in tidy.check_banned(source, set())]
        if any(complaint.endswith(tidy.BANNED[row][1]) for complaint in whys):
            hit.add(row)
        else:
            errors.append(f"row {row} of BANNED is silent on {line!r}: {whys}")
    errors += [f"row {n} of BANNED has no case" for n in range(len(tidy.BANNED)) if n not in hit]
    for header in tidy.FOREIGN:
        name = header + "x.h" if header.endswith("/") else header
        source = tidy.Source("phoenix/io/a.cc", f"#include <{name}>\n")
        if not list(tidy.check_foreign(source, set())):
            errors.append(f"FOREIGN is silent on <{name}>")
    return len(BANNED) + len(tidy.FOREIGN)


def run_whole(errors):
    cases = [("good", [tidy.Source(path, text)], None) for path, text in GOOD] + shared_cases()
    for what, sources, part in cases:
        found = tidy.judge(sources)
        if (part is None and found) or (part and not any(part in text for text in found)):
            errors.append(f"{what} {sources[0].text[:60]!r}: {found}")
    for allowed, lines, part in excess_cases():
        tidy.EXCESS = {("file", "cli/a.cc"): allowed}
        found = tidy.judge([tidy.Source("cli/a.cc", "int x;\n" * lines)])
        tidy.EXCESS = {}
        if (part is None and found) or (part and not any(part in text for text in found)):
            errors.append(f"excess of {allowed} with {lines} lines: {found}")
    return len(cases) + len(excess_cases())


def main():
    listed, tidy.EXCESS = tidy.EXCESS, {}
    errors = []
    total = run_bad(errors) + run_tables(errors) + run_whole(errors)
    tidy.EXCESS = listed
    print("\n".join(errors))
    print(f"{total - len(errors)} passed, {len(errors)} failed")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
