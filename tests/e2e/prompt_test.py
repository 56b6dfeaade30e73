#!/usr/bin/env python3
"""phoenix-cli at a terminal: editing, history, completion, hints, Ctrl-C, a server that dies."""
import os
import signal
import stat
import termios
import unittest

import harness
from terminal import Terminal

LIMIT_S = 60
KEYS = 50_000
UP, LEFT, TAB, ENTER = "\x1b[A", "\x1b[D", "\t", "\r"
CTRL_C, CTRL_D, CTRL_R = "\x03", "\x04", "\x12"


class Prompt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server().start()
        cls.addClassCleanup(cls.server.kill)

    def setUp(self):
        self.home = harness.temporary_directory()
        self.history = self.home / ".local/state/phoenix-cli/history"

    def open(self, *arguments, server=None, **environment):
        """The CLI when it has shown its first prompt."""
        server = server or self.server
        base = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "xterm-256color"}
        place = ("--timeout", LIMIT_S, "-p", server.port)
        words = [os.environ["PHOENIX_CLI"], *place, *arguments]
        terminal = self.enterContext(Terminal(words, {**base, **environment}))
        self.prompt = f"127.0.0.1:{server.port}> "
        terminal.expect(self.prompt)
        return terminal

    def run_line(self, terminal, line):
        """What comes between the line and the next prompt."""
        terminal.type(line + ENTER)
        terminal.expect("\n")
        return terminal.expect(self.prompt).removesuffix(self.prompt).replace("\r", "")

    def test_editing_and_history_over_two_runs(self):
        terminal = self.open()
        self.assertEqual(self.run_line(terminal, "SET a 12"), "OK\n")
        self.assertEqual(self.run_line(terminal, "XET a" + LEFT * 4 + "\x7fG"), '"12"\n')
        self.run_line(terminal, "AUTH open-sesame")
        self.assertEqual(self.run_line(terminal, UP), '"12"\n')  # Neither AUTH nor twice.
        before = terminal.settings
        terminal.type(CTRL_D)
        self.assertEqual(terminal.wait(), 0)
        self.assertEqual(termios.tcgetattr(terminal.terminal), before)
        self.assertEqual(self.history.read_text(encoding="utf-8"), "SET a 12\nGET a\n")
        self.assertEqual(stat.S_IMODE(self.history.stat().st_mode), 0o600)

        terminal = self.open()
        self.assertEqual(self.run_line(terminal, UP), '"12"\n')
        self.assertIn("12\nOK\n", self.run_line(terminal, CTRL_R + "12\x05"))
        terminal.type("EXIT" + ENTER)
        self.assertEqual(terminal.wait(), 0)

    def test_history_elsewhere_or_nowhere(self):
        elsewhere = self.home / "lines"
        terminal = self.open(PHOENIX_CLI_HISTORY=str(elsewhere))
        self.run_line(terminal, "GET here")
        self.assertEqual(elsewhere.read_text(encoding="utf-8"), "GET here\n")
        terminal = self.open(PHOENIX_CLI_HISTORY="")
        self.run_line(terminal, "GET nowhere")
        self.assertFalse(self.history.exists())

    def test_tab_and_hints(self):
        terminal = self.open()
        terminal.type("mge")
        terminal.expect("mge")
        terminal.type(TAB)
        terminal.expect("\x1b[2mkey [key ...]\x1b[0m", raw=True)
        terminal.type("a")
        terminal.expect("\x1b[2m [key ...]\x1b[0m", raw=True)
        terminal.type(CTRL_C)
        terminal.expect(self.prompt)
        self.assertEqual(self.run_line(terminal, "SET a 1 kee" + TAB), "OK\n")
        terminal.type("SET a 1 " + TAB)
        terminal.expect("EX       EXAT     GET")
        terminal.expect(self.prompt + "SET a 1 ")
        # Wiped: the row holds what was typed alone, and that is what is sent.
        self.assertEqual(self.run_line(terminal, "NX"), "(nil)\n")

    def test_without_colours(self):
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            terminal = self.open(**environment)
            terminal.type("GET missing" + ENTER)
            self.assertNotIn("\x1b[2m(nil)", terminal.expect("(nil)\r\n", raw=True))
        terminal = self.open()
        terminal.type("GET missing" + ENTER)
        terminal.expect("\x1b[2m(nil)\x1b[0m\r\n", raw=True)

    def test_values_of_several_lines(self):
        terminal = self.open()
        terminal.type('SET a "one' + ENTER)
        terminal.expect("...> ")
        self.assertEqual(self.run_line(terminal, 'two"'), "OK\n")
        # As a terminal marks what is pasted: its tab completes nothing.
        self.assertIn("OK\n", self.run_line(terminal, "\x1b[200~SET b 'x\n\ty\nz'\x1b[201~"))
        self.assertEqual(self.run_line(terminal, "MGET a b"), '1) "one\\ntwo"\n2) "x\\n\\ty\\nz"\n')
        self.assertEqual(self.run_line(terminal, UP * 3), "OK\n")
        terminal.type("GET 'a" + ENTER)
        terminal.expect("...> ")
        terminal.type(CTRL_C)
        terminal.expect(self.prompt)
        self.assertEqual(self.run_line(terminal, "GET a"), '"one\\ntwo"\n')

    def test_a_kill_leaves_the_terminal_as_it_was(self):
        terminal = self.open()
        terminal.type("GET")
        terminal.expect("\x1b[2m key", raw=True)
        self.assertNotEqual(termios.tcgetattr(terminal.terminal), terminal.settings)
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.wait(), -signal.SIGTERM)
        self.assertEqual(termios.tcgetattr(terminal.terminal), terminal.settings)

    def test_a_transaction_shows_at_the_prompt(self):
        terminal = self.open()
        outside = self.prompt
        inside = outside.replace("> ", "(TX)> ")
        for line, reply, prompt in (
            ("MULTI", "OK", inside),
            ("PING", "QUEUED", inside),
            ("EXEC", "1) PONG", outside),
            ("MULTI", "OK", inside),
            ("EXEC x", "wrong number of arguments", outside),
        ):
            terminal.type(line + ENTER)
            terminal.expect(reply)
            terminal.expect("\n")
            terminal.expect(prompt)

    def test_timing(self):
        terminal = self.open("--time")
        self.assertRegex(self.run_line(terminal, "PING"), r"^PONG\n\(\d+(\.\d+)? [mu]?s\)\n$")
        self.assertEqual(self.run_line(terminal, "\\timing"), "Timing is off.\n")
        self.assertEqual(self.run_line(terminal, "PING"), "PONG\n")

    def test_ctrl_c_stops_a_long_listing(self):
        with harness.Server() as server, server.client() as db:
            for start in range(0, KEYS, 1_000):
                numbers = range(start, start + 1_000)
                db.value("MSET", *(word for i in numbers for word in (f"key:{i}", "v")))
            terminal = self.open(server=server)
            terminal.type("\x1b[200~LIST\nSET pasted 1\n\x1b[201~")
            terminal.expect('100) "')
            terminal.type(CTRL_C)
            shown = terminal.expect(self.prompt)
            self.assertIn("Stopped.", shown)
            self.assertNotIn(f"\n{KEYS}) ", shown)
            self.assertEqual(self.run_line(terminal, "DBSIZE"), f"(integer) {KEYS}\n")

    def test_the_server_dies(self):
        port = harness.free_port()
        server = harness.Server(port=port).start()
        self.addCleanup(server.kill)
        terminal = self.open(server=server)
        self.assertEqual(self.run_line(terminal, "SET a 1"), "OK\n")
        server.kill()
        terminal.type("GET a" + ENTER)
        shown = terminal.expect(" (not connected)> ")
        # Which of the two it finds first is the kernel's matter.
        self.assertRegex(shown, f"no server at 127.0.0.1:{port}|lost the connection to 127.0.0.1")
        self.assertIn("The next command connects again.", shown)
        server.start()
        self.assertEqual(self.run_line(terminal, "GET a"), '"1"\n')


if __name__ == "__main__":
    harness.main(LIMIT_S)
