"""BODYSTRUCTURE, ENVELOPE, SEARCH and SORT beside a real Dovecot's, for mails that were made to be hard and for real ones (a sample
of the corpus, where there is one: RINGPOST_CORPUS). Where the two differ, DIFFERENCES says why ours is what the RFC asks for."""

import email.errors
import email.header
import imaplib
import os
import re
import textwrap

import foreign
import mail_clients
import ringpost
from corpus_test import FOLDERS, mails_of
from ringpost import LOCAL, PASSWORD, SystemTest

SAMPLE = int(os.environ.get("RINGPOST_SAMPLE", "200"))  # mails of the corpus
CONFIG = {"mailboxes": {"location": "store"}, "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True}}}
imaplib._MAXLINE = 50_000_000
DATE = (rb"(?im)^date: *(?:(?:mon|tue|wed|thu|fri|sat|sun), +)?\d{1,2} +(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +(?:19[7-9]|20[0-2])\d "
        rb"+\d\d:\d\d(?::\d\d)? +(?:[+-]\d{4}|gmt|ut|[ecmp][sd]t)(?: *\(.*\))? *\r$")


def mail(text):
    return textwrap.dedent(text).lstrip("\n").replace("\n", "\r\n").encode()


def nested(depth):
    text = "Content-Type: text/plain; charset=utf-8\n\ninnermost\n"
    for level in range(depth):
        text = f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n{text}--b{level}--\n'
    return mail("Subject: nested\nMIME-Version: 1.0\n" + text)


TORTURE = [
    mail("""
        From: "Anna \\"A\\" B" <anna@example.com> (a comment)
        To: team: a@example.com, "B, C" <b@example.org>;, d@example.net
        Cc: undisclosed-recipients:;
        Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?B?IGFuIGFsbGU=?=
        Date: Fri, 21 Nov 1997 09:55:06 -0600
        Message-ID: <1@example.com>
        In-Reply-To: <0@example.com>
        Reply-To: other@example.com
        Sender: sender@example.com

        text
        """),
    mail("""
        From: a@example.com
        Subject: folded
         over
        	three lines
        Date: 1 Jan 2020 00:00:00 GMT
        MIME-Version: 1.0
        Content-Type: multipart/alternative; boundary="=_x"

        preamble
        --=_x
        Content-Type: text/plain; charset=iso-8859-1
        Content-Transfer-Encoding: quoted-printable

        Gr=FC=DFe =
        aus
        --=_x
        Content-Type: text/html; charset="utf-8"
        Content-Transfer-Encoding: base64
        Content-Language: de, en
        Content-Disposition: inline; filename="a b.html"
        Content-ID: <part@example.com>
        Content-Description: a part
        Content-Location: http://example.com/
        Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==

        PGI+R3LDvMOfZTwvYj4=
        --=_x--
        epilogue
        """),
    mail("""
        From: a@example.com
        Subject: a message in a message in a message
        MIME-Version: 1.0
        Content-Type: message/rfc822

        From: b@example.com
        Subject: inner
        Date: Sat, 22 Nov 1997 09:55:06 -0600
        MIME-Version: 1.0
        Content-Type: message/rfc822

        From: c@example.com
        Subject: innermost
        To: d@example.com

        hello
        """),
    mail("""
        From: a@example.com
        Subject: a digest
        MIME-Version: 1.0
        Content-Type: multipart/digest; boundary=d

        --d

        From: b@example.com
        Subject: first

        one
        --d

        From: c@example.com
        Subject: second

        two
        --d--
        """),
    mail("""
        From: a@example.com
        Subject: no end of its parts
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary=e

        --e
        Content-Type: text/plain; charset=us-ascii

        one
        --e
        Content-Type: application/octet-stream; name=x.bin
        Content-Transfer-Encoding: base64
        Content-Disposition: attachment; filename=x.bin; size=3

        AAAA
        """),
    mail("""
        From: a@example.com
        Subject: inner boundaries that begin like outer ones
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary=f

        --f
        Content-Type: multipart/mixed; boundary=ff

        --ff
        Content-Type: text/plain; charset=us-ascii

        one
        --ff--
        --f
        Content-Type: text/plain; charset=us-ascii

        two
        --f--
        """),
    mail("""
        From: a@example.com
        Subject: parameters of RFC 2231
        MIME-Version: 1.0
        Content-Type: application/pdf; name*0="a very long "; name*1="name.pdf"
        Content-Transfer-Encoding: base64
        Content-Disposition: attachment; filename*=utf-8''%e2%82%ac%20rates.pdf

        AAAA
        """),
    mail("""
        Subject: no From, no Date

        x
        """),
    mail("""
        From: a@example.com
        Subject: a header and nothing else
        """),
    mail("""
        From: a@example.com
        Subject: Re: [list] Fwd: re[2]: base (fwd)
        Date: Fri, 2 Jan 1970 00:00:00 +0000
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: 8bit

        Straße und ÄPFEL
        """),
    mail("""
        From: =?iso-8859-1?Q?J=F6rg?= <joerg@example.com>
        Subject: base
        Date: Mon, 30 Jun 2025 23:59:60 -0000
        Content-Type: TEXT/Plain; Charset=UTF-8; format=flowed

        wrapped text
        """),
    mail("""
        From: a@example.com
        Subject: empty parts
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary=g

        --g

        --g
        Content-Type: text/plain; charset=us-ascii

        --g--
        """),
    nested(2),
    nested(12),
    mail("""
        From: a@example.com,
         b@example.com ,, c@example.com
        To: <d@example.com>, "e" <e@example.com> , f.g@[192.0.2.1]
        Subject: lists with holes
        Content-Type: text/plain; charset="us-ascii"; x="a;b\\"c"

        x
        """),
]

CRITERIA = ["ALL", 'FROM "a@example"', 'FROM "Jörg"', 'SUBJECT "Grüße"', 'SUBJECT "fwd"', 'TO "example.net"', 'CC "@"', 'BODY "grüße"', 'BODY "äpfel"',
            'BODY "STRASSE"', 'TEXT "hello"', 'TEXT "innermost"', 'BODY "free"', 'TEXT "http://"', 'HEADER Message-ID "@"', 'HEADER X-None ""', 'HEADER List-Id ""',
            "LARGER 400", "SMALLER 1000", "NOT LARGER 3000", 'OR SUBJECT "re" BODY "click here"', 'NOT BODY "the"', "SENTON 22-Aug-2002", "SENTSINCE 1-Jan-2002 SENTBEFORE 1-Oct-2002",
            "1:5,9", 'BODY "multipart"', 'BODY "<b>"', 'BODY "preamble"', 'FROM "A\\" B"', 'BODY "innermost"', 'BODY "part@example"', 'TEXT "part@example"', 'BODY "a part"', 'TEXT "rates"', 'BODY "name.pdf"', 'TEXT "epilogue"',
            'BODY "second"', 'TEXT "c@example"', 'BODY "--ff"', 'TEXT "format"', 'BODY "AAAA"', 'TEXT "boundary"']
SORTS = ["ARRIVAL", "SIZE", "REVERSE SIZE", "DATE", "REVERSE DATE", "FROM", "TO", "CC", "SUBJECT", "SUBJECT REVERSE DATE"]

# What is made alike before it is compared, and why it may differ.
DIFFERENCES = {
    "letters": "types, subtypes, encodings and names of parameters compare without case (RFC 2045 section 5.1): Dovecot lowers or keeps them, we lower them",
    "charset": "Dovecot adds charset=us-ascii where a text part has parameters and none of this name; the grammar asks for what is there (RFC 9051 section 7.5.2, "
               "body-fld-param), and a default is the reader's (RFC 2045 section 5.2)",
    "blanks": "Dovecot makes one blank of several in an unfolded field; unfolding takes away line ends only (RFC 5322 section 2.2.3)",
    "first blank": "where the line of the field's name has nothing else, Dovecot keeps the blank that the next line begins with; what stands around a message-id is "
                   "CFWS, and not of it (RFC 5322 section 3.6.4)",
    "epoch": "Dovecot takes a date of second 0 for none and sorts by INTERNALDATE; RFC 5256 section 2.2 does so where there is no date: none here has it",
    "addresses": "what is no address has to become one or nothing; Dovecot invents MISSING_MAILBOX, MISSING_DOMAIN and SYNTAX_ERROR, we leave out or keep the text",
}


def tokens(text):
    """A parenthesized list as Python has it; strings keep a quote in front."""
    stack, at = [[]], 0
    while at < len(text):
        c = text[at:at + 1]
        if c == b"(":
            stack.append([])
        elif c == b")":
            done = stack.pop()
            stack[-1].append(done)
        elif c == b'"':
            value, at = bytearray(b'"'), at + 1
            while text[at:at + 1] != b'"':
                at += text[at:at + 1] == b"\\"
                value += text[at:at + 1]
                at += 1
            stack[-1].append(bytes(value))
        elif c == b"{":
            end = text.index(b"}", at)
            size = int(text[at + 1:end])
            stack[-1].append(b'"' + text[end + 3:end + 3 + size])
            at = end + 2 + size
        elif c not in b" \r\n":
            word = re.compile(rb'[^ ()\r\n"{]+').match(text, at)[0]
            stack[-1].append(word)
            at += len(word) - 1
        at += 1
    return stack[0]


def fetched(client, what):
    answers, text = {}, b""
    for part in client.fetch("1:*", f"({what})")[1]:
        if isinstance(part, tuple):
            text += part[0] + b"\r\n" + part[1]
            continue
        text += part
        number = re.match(rb"(\d+) ", text)[0]
        answers[int(number)] = tokens(text[len(number):])[0][1]
        text = b""
    return answers


def alike(value):
    if isinstance(value, list):
        value = [alike(each) for each in value]
        if value and all(isinstance(each, bytes) for each in value) and b'"charset' in value:
            pairs = [value[i:i + 2] for i in range(0, len(value), 2)]
            value = [each for pair in pairs if pair != [b'"charset', b'"us-ascii'] for each in pair] or b"nil"
        return value
    return re.sub(rb'^" (?=<)', b'"', re.sub(rb"[ \t]+", b" ", value.lower())).rstrip()


def no_addresses(envelope):
    """Subject, date and ids of an envelope with an address that is none."""
    return [envelope[0], envelope[1], *envelope[8:]]


def is_strange(envelope):
    return any(mark in str(envelope) for mark in ("MISSING_", "SYNTAX_ERROR"))


class Agreement(SystemTest):
    def both(self, mails):
        server, dovecot = self.server(CONFIG), self.foreign(foreign.Dovecot)
        ours, theirs = mail_clients.imap(self, server.port("imap")), mail_clients.imap(self, dovecot.imap_port)
        ours.login(f"anna@{LOCAL}", PASSWORD)
        theirs.login("anna", "x")
        for client in (ours, theirs):
            for i, data in enumerate(mails):
                self.assertEqual(client.append("INBOX", None, f'"{i % 28 + 1:02}-Jan-2026 10:00:{i % 60:02} +0000"', data)[0], "OK")
            client.select("INBOX", readonly=True)
        return ours, theirs

    def compare(self, mails):
        ours, theirs = self.both(mails)
        here, there = fetched(ours, "ENVELOPE"), fetched(theirs, "ENVELOPE")
        self.assertEqual(len(here), len(mails))
        strange = {number for number in here if is_strange(there[number])}
        for number in here:
            a, b = here[number], there[number]
            if number in strange:
                a, b = no_addresses(a), no_addresses(b)
            self.assertEqual(alike(a), alike(b), f"ENVELOPE of {number}:\n{mails[number - 1][:1500]}")
        for what in ("BODYSTRUCTURE", "BODY"):
            here, there = fetched(ours, what), fetched(theirs, what)
            for number in here:
                self.assertEqual(alike(here[number]), alike(there[number]), f"{what} of {number}:\n{mails[number - 1][:1500]}")
        for criterion in CRITERIA:
            found = [client.uid("SEARCH", "CHARSET", "UTF-8", criterion.encode())[1][0].split() for client in (ours, theirs)]
            with self.subTest(criterion):
                self.assertEqual(*found)
        for sort in SORTS:
            found = [client.uid("SORT", f"({sort})", "UTF-8", "ALL")[1][0].split() for client in (ours, theirs)]
            if re.search("FROM|TO|CC", sort):  # by what is no address
                found = [[uid for uid in uids if int(uid) not in strange] for uids in found]
            with self.subTest(sort):
                self.assertEqual(*found)

    def test_mails_that_are_hard(self):
        self.compare(TORTURE)

    def test_mails_of_people(self):
        archives = sorted(os.path.join(folder, name) for folder in FOLDERS for name in os.listdir(folder) if name.endswith(".tar.zst"))
        if not archives:
            self.skipTest("no corpus of real mail is here; RINGPOST_CORPUS names its folder")
        mails = [data for archive in archives for data in mails_of(archive) if self.is_regular(data)]
        self.compare(mails[::max(1, len(mails) // SAMPLE)])

    @staticmethod
    def is_regular(data):
        """Of what breaks RFC 5322 or 2047 in its header everybody makes something else: such mails are not compared."""
        header = data.partition(b"\r\n\r\n")[0]
        if not header.isascii() or not re.search(DATE, header) or re.search(rb"(?im)^(to|from|subject):\s*(\"\" <>)?\s*$", header):
            return False
        try:
            for text, charset in email.header.decode_header(header.decode()):
                if charset:
                    text.decode(charset)
        except (LookupError, UnicodeDecodeError, email.errors.HeaderParseError):
            return False
        return True


if __name__ == "__main__":
    ringpost.main()
