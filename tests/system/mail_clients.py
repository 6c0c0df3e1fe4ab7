"""Python's IMAP and POP3 clients at a listener of a server, until the test ends."""

import imaplib
import poplib

import programs
from talk import trusting_context


def _leave(client):
    try:
        client.logout()
    except (OSError, imaplib.IMAP4.error):
        pass


def imap(test, port, tls=False):
    if tls:
        client = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=trusting_context(), timeout=programs.PATIENCE)
    else:
        client = imaplib.IMAP4("127.0.0.1", port, timeout=programs.PATIENCE)
    test.addCleanup(_leave, client)
    return client


def pop3(test, port, tls=False):
    if tls:
        client = poplib.POP3_SSL("127.0.0.1", port, context=trusting_context(), timeout=programs.PATIENCE)
    else:
        client = poplib.POP3("127.0.0.1", port, timeout=programs.PATIENCE)
    test.addCleanup(client.close)
    return client
