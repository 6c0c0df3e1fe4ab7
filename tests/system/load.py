"""A load of small mails, each with its id: who was acknowledged, and what arrived.

The sender stops at nothing: when the server goes away it connects again, and sends what was not acknowledged once more.
"""

import contextlib
import queue
import re
import threading
import time

from talk import Closed, Talk, dot_stuffed
from programs import Impatient, wait_until

ID_FIELD = "X-Test-Id"


def id_of(data):
    found = re.search(rb"(?m)^X-Test-Id: ([\w.-]+)", data[:4096])
    return found.group(1).decode() if found else None


class Load:
    """`connections` threads send to `port` until stop(). `recipient_of`: the address for a number."""

    def __init__(self, port, recipient_of, connections=8, size=2000, prefix="m", bdat=False, resend=True, pause=0):
        self.port = port
        self.recipient_of = recipient_of
        self.size = size
        self.prefix = prefix
        self.bdat = bdat
        self.resend = resend
        self.pause = pause  # seconds between two mails of one connection
        self.lock = threading.Condition()
        self.number = 0
        self.again = queue.SimpleQueue()
        self.acknowledged = {}  # id: moment of its 250
        self.attempts = {}      # id: how often its end was sent
        self.refusals = []      # replies other than 250
        self.stopping = False
        self.going = threading.Event()
        self.going.set()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def _next(self):
        with contextlib.suppress(queue.Empty):
            return self.again.get_nowait()
        with self.lock:
            self.number += 1
            return self.number

    def message_of(self, name):
        head = f"{ID_FIELD}: {name}\r\nSubject: load\r\n\r\n"
        line = (name + " ").ljust(70, "x") + "\r\n"
        return (head + line * max(1, (self.size - len(head)) // len(line))).encode()

    def _run(self):
        while not self.stopping:
            try:
                with Talk(self.port, patience=60) as client:
                    client.hello()
                    while not self.stopping:
                        self.going.wait()
                        self._send(client)
                        time.sleep(self.pause)
                    client.ask("QUIT", "221")
            except (OSError, Closed, Impatient, AssertionError):
                # Nobody listens just now, or the server went. Not so fast that nobody else gets the processor.
                time.sleep(0.005)

    def _send(self, client):
        number = self._next()
        name = f"{self.prefix}{number}"
        try:
            reply = self._transact(client, number, name)
        except (OSError, Closed, Impatient, AssertionError):
            if self.resend:
                self.again.put(number)
            raise
        with self.lock:
            if reply.code == 250:
                self.acknowledged[name] = time.monotonic()
            else:
                self.refusals.append(reply)
                if self.resend:
                    self.again.put(number)
            self.lock.notify_all()

    def _transact(self, client, number, name):
        """The final reply, or the first refusal."""
        client.raw(f"MAIL FROM:<load@remote.example>\r\nRCPT TO:<{self.recipient_of(number)}>\r\n".encode())
        sender, recipient = client.reply(), client.reply()
        if sender.code != 250:
            return sender
        if recipient.code != 250:
            client.ask("RSET", "250")
            return recipient
        data = self.message_of(name)
        with self.lock:
            self.attempts[name] = self.attempts.get(name, 0) + 1
        if self.bdat:
            client.raw(b"BDAT %d LAST\r\n" % len(data) + data)
            return client.reply()
        client.line("DATA")
        answer = client.reply()
        if answer.code != 354:
            return answer
        client.raw(dot_stuffed(data))
        return client.reply()

    def wait_for(self, count, what="acknowledgements"):
        wait_until(lambda: len(self.acknowledged) >= count, f"{count} {what}; there are {len(self.acknowledged)}")

    def pause_all(self):
        """Each connection ends its mail, and then waits for go_on()."""
        self.going.clear()

    def go_on(self):
        self.going.set()

    def stop(self):
        self.stopping = True
        self.going.set()
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a sender does not end"
