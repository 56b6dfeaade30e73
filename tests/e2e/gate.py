"""A way to a server that can be shut in the midst of what passes: who is interrupted there is so
between the same two requests however fast he is."""
import contextlib
import socket
import threading

PART_BYTES = 65_536  # So few at once, so that little passes behind where it is shut.


class Gate:
    """Listens on a port of its own. What is held applies to connections from then on, until it is
    opened."""

    def __init__(self, server):
        self.server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._is_shut = {"requests": lambda _: False, "replies": lambda _: False}
        threading.Thread(target=self._accept, daemon=True).start()

    def hold_replies(self, condition):
        """Once condition() is true, none pass."""
        self._is_shut["replies"] = lambda _: condition()

    def hold_requests(self, bytes_max):
        """Behind so many bytes, none pass."""
        self._is_shut["requests"] = lambda passed: passed >= bytes_max

    def open(self):
        """For those who come; who was held is gone."""
        for direction in self._is_shut:
            self._is_shut[direction] = lambda _: False

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                try:
                    theirs = socket.create_connection(self.server.address)
                except OSError:  # There is no server, and so no way to it.
                    ours.close()
                    continue
                has_ended = threading.Event()
                for source, target, direction in (
                    (ours, theirs, "requests"), (theirs, ours, "replies")
                ):  # fmt: skip
                    words = (source, target, self._is_shut[direction], has_ended)
                    threading.Thread(target=self._pass, args=words, daemon=True).start()

    @staticmethod
    def _pass(source, target, is_shut, has_ended):
        passed = 0
        with contextlib.suppress(OSError):
            while part := source.recv(PART_BYTES):
                while is_shut(passed) and not has_ended.wait(0.005):
                    pass
                target.sendall(part)
                passed += len(part)
        has_ended.set()
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
