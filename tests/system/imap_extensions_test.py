"""Extensions of IMAP that few clients know: word for word, and Perl's Mail::IMAPTalk where it knows them."""

import re
import zlib

import programs
import ringpost
from imap_lines import MAIL, Imap
from programs import run, wait_until
from ringpost import LOCAL, PASSWORD, SystemTest

CONFIG = {"mailboxes": {"location": "store"},
          "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True},
                       "proxied": {"protocol": "imap", "tls": "none", "auth_without_tls": True, "unauthenticate": False}}}


class Extensions(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.the_server = ringpost.Server(CONFIG)
        cls.addClassCleanup(cls.the_server.end)
        cls.numbers = iter(range(1, 1_000_000))

    def imap(self, user="anna", listener="imap"):
        return Imap(self, self.the_server.port(listener), user)

    def selected(self, count=0, user="anna"):
        """A client at a mailbox of its own, with so many mails."""
        client, name = self.imap(user), f"F{next(self.numbers)}"
        client.ok(f"CREATE {name}")
        for i in range(count):
            client.append(name, f"m{i + 1}")
        client.ok(f"SELECT {name}")
        return client, name


class Unauthenticate(Extensions):
    def test_one_connection_for_two_users(self):
        client, name = self.selected(1)
        other = self.imap("bert")
        other.ok("CREATE Berts")
        for _ in range(3):  # their mailboxes may be on different cores
            self.assertEqual(client.ok("UNAUTHENTICATE"), [])
            self.assertTrue(client.do("FETCH 1 FLAGS")[1].startswith("BAD"))
            client.ok(f'LOGIN bert@{LOCAL} "{PASSWORD}"')
            self.assertTrue(any("Berts" in line for line in client.ok('LIST "" *')))
            self.assertTrue(client.do(f"SELECT {name}")[1].startswith("NO [NONEXISTENT]"))
            client.ok("SELECT Berts")
            client.socket.sendall(f't{client.tags + 1} UNAUTHENTICATE\r\nt{client.tags + 2} LOGIN anna@{LOCAL} "{PASSWORD}"\r\n'.encode())
            client.tags += 1
            self.assertTrue(client.answer()[1].startswith("OK"))
            client.tags += 1
            self.assertTrue(client.answer()[1].startswith("OK"))
            self.assertIn("* 1 EXISTS", client.ok(f"SELECT {name}"))

    def test_compression_ends_with_the_connection(self):
        client = self.imap()
        client.ok("COMPRESS DEFLATE")
        deflate, inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
        client.socket.sendall(deflate.compress(b"a UNAUTHENTICATE\r\n") + deflate.flush(zlib.Z_SYNC_FLUSH))
        said = b""
        while data := client.socket.recv(4096):
            said += inflate.decompress(data)
        self.assertEqual(said, b"* BYE [CANNOT] Compression ends with the connection\r\n")

    def test_a_listener_may_be_without_it(self):
        client = self.imap(listener="proxied")
        self.assertNotIn("UNAUTHENTICATE", client.ok("CAPABILITY")[0])
        self.assertTrue(client.do("UNAUTHENTICATE")[1].startswith("BAD"))
        self.assertIn("UNAUTHENTICATE", self.imap().ok("CAPABILITY")[0])


class Replace(Extensions):
    def test_a_draft_in_the_place_of_another(self):
        client, name = self.selected(3)
        watcher = self.imap()
        watcher.ok(f"SELECT {name}")
        untagged, uid = client.append(name + r" (\Draft)", "new", "REPLACE 2")
        self.assertEqual(uid, 4)
        self.assertRegex(untagged[0], r"^\* OK \[APPENDUID \d+ 4\]")
        self.assertEqual(sorted(untagged[1:3]), ["* 2 EXPUNGE", "* 3 EXISTS"])
        self.assertIn("* 2 EXPUNGE", watcher.ok("NOOP"))
        told = client.ok("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        self.assertEqual([re.search(r"UID (\d+)", one)[1] for one in told], ["1", "3", "4"])
        self.assertIn(r"FLAGS (\Draft", told[2])
        self.assertIn("Subject: new", told[2])

    def test_into_another_mailbox_by_uid(self):
        client, name = self.selected(2)
        client.ok(f"CREATE {name}/Sent")
        client.append(f"{name}/Sent", "sent", "UID REPLACE 1")
        self.assertIn("(MESSAGES 1)", client.ok(f"STATUS {name}/Sent (MESSAGES)")[0])
        self.assertIn("(MESSAGES 1)", client.ok(f"STATUS {name} (MESSAGES)")[0])

    def test_what_cannot_be_leaves_all_as_it_was(self):
        client, name = self.selected(2)
        for command, answer in ((f"REPLACE 3 {name} {{2+}}\r\nxy", "BAD"), (f"UID REPLACE 9 {name} {{2+}}\r\nxy", "NO [NONEXISTENT]"),
                                ("REPLACE 1 nowhere {2+}\r\nxy", "NO [TRYCREATE]"),
                                (f"REPLACE 1 {name} {{2+}}\r\nxy {{1+}}\r\nz", "BAD")):
            untagged, tagged = client.do(command)
            self.assertTrue(tagged.startswith(answer), (command, tagged))
            self.assertEqual(untagged, [])
        client.ok(f"EXAMINE {name}")
        self.assertTrue(client.do(f"REPLACE 1 {name} {{2+}}\r\nxy")[1].startswith("NO [NOPERM]"))
        self.assertIn("(MESSAGES 2)", client.ok(f"STATUS {name} (MESSAGES)")[0])

    def test_a_large_one_streams_in(self):
        client, name = self.selected(1)
        data = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 60_000
        untagged, tagged = client.do(b"REPLACE 1 %s {%d+}\r\n%s" % (name.encode(), len(data), data))
        self.assertTrue(tagged.startswith("OK"), tagged)
        self.assertEqual(client.ok("FETCH 1:* RFC822.SIZE"), [f"* 1 FETCH (RFC822.SIZE {len(data)})"])


class Pages(Extensions):
    def test_results_and_messages_page_by_page(self):
        client, _ = self.selected(10)
        client.ok("STORE 4,6 +FLAGS.SILENT (\\Deleted)")
        client.ok("EXPUNGE")  # UIDs 1 2 3 5 7 8 9 10
        for asked, told in (("1:3", "1:3"), ("3:1", "1:3"), ("-1:-3", "8:10"), ("5:100", "7:10"), ("9:12", "NIL"), ("-8:-20", "1")):
            client.send(f"UID SEARCH RETURN (PARTIAL {asked}) ALL")
            self.assertEqual(client.answer()[0], [f'* ESEARCH (TAG "t{client.tags}") UID PARTIAL ({asked} {told})'])
        client.ok("SEARCH RETURN (SAVE PARTIAL 2:3 MAX) ALL")
        self.assertEqual([re.search(r"UID (\d+)", one)[1] for one in client.ok("UID FETCH $ UID")], ["2", "3", "10"])
        self.assertEqual([re.search(r"UID (\d+)", one)[1] for one in client.ok("UID FETCH 2:8 (UID) (PARTIAL -1:-2)")], ["7", "8"])
        modseq = int(re.search(r"MODSEQ \((\d+)\)", " ".join(client.ok("UID STORE 8 +FLAGS (\\Flagged)") + client.ok("UID FETCH 8 MODSEQ")))[1])
        self.assertEqual(len(client.ok(f"UID FETCH 1:* (FLAGS) (PARTIAL 1:5 CHANGEDSINCE {modseq - 1})")), 0)
        self.assertEqual(len(client.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq - 1} PARTIAL -1:-5)")), 1)


class Condstore(Extensions):
    def test_a_client_comes_back_with_what_it_was_told_and_misses_nothing(self):
        """CHANGEDSINCE is answered with HIGHESTMODSEQ while an expunge must still wait."""
        client, name = self.selected(3)
        other = self.imap()
        other.ok(f"SELECT {name}")
        other.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
        other.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
        told = client.ok("FETCH 1:* (UID FLAGS) (CHANGEDSINCE 1)")
        self.assertFalse([line for line in told if "EXPUNGE" in line])
        highest = int(re.search(r"HIGHESTMODSEQ (\d+)", " ".join(told))[1])
        validity = re.search(r"UIDVALIDITY (\d+)", client.ok(f"STATUS {name} (UIDVALIDITY)")[0])[1]
        client.send("LOGOUT")
        again = self.imap()
        again.ok("ENABLE QRESYNC")
        self.assertIn("* VANISHED (EARLIER) 2", again.ok(f"SELECT {name} (QRESYNC ({validity} {highest}))"))


class SavedResult(Extensions):
    def test_after_no_it_is_empty_and_after_bad_what_it_was(self):
        """RFC 5182 section 2.1."""
        client, _ = self.selected(3)
        for failing, answer, left in (("SEARCH RETURN (SAVE) CHARSET x-frob SUBJECT m", "NO [BADCHARSET", 0),
                                      ("UID SEARCH RETURN (SAVE COUNT) CHARSET x-frob SUBJECT m", "NO [BADCHARSET", 0),
                                      ("SORT RETURN (SAVE) (ARRIVAL) x-frob ALL", "NO [BADCHARSET", 0),
                                      ("SEARCH RETURN (COUNT) CHARSET x-frob SUBJECT m", "NO [BADCHARSET", 2),
                                      ("SEARCH CHARSET x-frob SUBJECT m", "NO [BADCHARSET", 2),
                                      ("SORT (ARRIVAL) x-frob ALL", "NO [BADCHARSET", 2),
                                      ("THREAD REFERENCES x-frob ALL", "NO [BADCHARSET", 2),
                                      ("SEARCH RETURN (SAVE) FROB", "BAD", 2),
                                      ("SEARCH RETURN (SAVE) 7", "BAD", 2),
                                      ("SORT RETURN (SAVE) (ARRIVAL) UTF-8 7", "BAD", 2)):
            with self.subTest(failing=failing):
                client.ok("SEARCH RETURN (SAVE) 2:3")
                untagged, tagged = client.do(failing)
                self.assertEqual((untagged, tagged.startswith(answer)), ([], True), tagged)
                self.assertEqual(len(client.ok("FETCH $ UID")), left)


class Binary(Extensions):
    def test_a_part_that_cannot_be_decoded_is_no_and_one_that_is_not_there_has_no_bytes(self):
        """RFC 9051 sections 6.4.5, 7.5.2 and 9: BINARY may be NIL, BINARY.SIZE is a number."""
        client, name = self.selected(0)
        data = (b"Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
                b"--b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n#86)C\r\n--b--\r\n")
        for one in (data, data.replace(b"x-uuencode", b"BASE64"), data):
            self.assertTrue(client.do(b"APPEND %s {%d+}\r\n%s" % (name.encode(), len(one), one))[1].startswith("OK"))
        self.assertEqual(client.ok("FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1] BINARY.SIZE[3] BINARY.PEEK[3] BINARY.SIZE[1.7] BINARY.PEEK[2.1])")[-1],
                         "* 1 FETCH (BINARY.SIZE[1] 5 BINARY[1] {5}\r\nhello BINARY.SIZE[3] 0 BINARY[3] NIL BINARY.SIZE[1.7] 0 BINARY[2.1] NIL)")
        # Of a part of one the offset is that of the decoded bytes.
        self.assertEqual(client.ok("FETCH 1 (BINARY.PEEK[1]<1.3> BINARY.PEEK[1]<9.3> BINARY.PEEK[3]<0.1>)")[-1],
                         "* 1 FETCH (BINARY[1]<1> {3}\r\nell BINARY[1]<9> {0}\r\n BINARY[3]<0> NIL)")
        for items in ("BINARY.SIZE[2]", "BINARY.PEEK[2]", "BINARY.PEEK[2]<1.1>", "BODY.PEEK[] BINARY.SIZE[2]"):
            with self.subTest(items=items):
                untagged, tagged = client.do(f"FETCH 1:3 (UID {items})")
                self.assertTrue(tagged.startswith("NO [UNKNOWN-CTE]"), tagged)
                self.assertEqual([one.split(" (")[0] for one in untagged], ["* 2 FETCH"])
        # As they stand they can be had.
        self.assertEqual(client.ok("FETCH 3 BODY.PEEK[2]")[-1], "* 3 FETCH (BODY[2] {5}\r\n#86)C)")


class Nul(Extensions):
    def test_only_a_literal8_holds_it(self):
        """RFC 9051 sections 4.3 and 6.3.12."""
        client, name = self.selected(0)
        data = b"Subject: nul\r\n\r\n" + b"x" * 100_000 + b"\0" + b"y" * 200_000
        for more in (b"", b" {2+}\r\nab"):
            untagged, tagged = client.do(b"APPEND %s {%d+}\r\n%s%s" % (name.encode(), len(data), data, more))
            self.assertEqual((untagged, tagged), ([], "BAD a literal holds NUL"))
        self.assertTrue(client.do(b"APPEND %s {2+}\r\nab {3+}\r\na\0b" % name.encode())[1].startswith("BAD"))
        self.assertTrue(client.do(b"CREATE {3+}\r\na\0b")[1].startswith("BAD"))
        self.assertIn("(MESSAGES 0)", client.ok(f"STATUS {name} (MESSAGES)")[0])
        client.append(name, "old")
        self.assertTrue(client.do(b"REPLACE 1 %s {3+}\r\na\0b" % name.encode())[1].startswith("BAD"))
        self.assertTrue(client.do(b"APPEND %s ~{%d+}\r\n%s" % (name.encode(), len(data), data))[1].startswith("OK"))
        self.assertEqual(client.ok("UID FETCH 1:* RFC822.SIZE")[-1], f"* 2 FETCH (RFC822.SIZE {len(data)} UID 2)")
        self.assertIn("(MESSAGES 2)", client.ok(f"STATUS {name} (MESSAGES)")[0])


class UidOnly(Extensions):
    def test_no_number_is_said_and_none_is_taken(self):
        client, name = self.selected(4)
        self.assertEqual(client.ok("ENABLE UIDONLY"), ["* ENABLED UIDONLY"])
        selected = client.ok(f"SELECT {name}")
        self.assertFalse(any("UNSEEN" in one for one in selected), selected)
        self.assertIn("* 4 EXISTS", selected)
        for command in ("FETCH 1 FLAGS", "SEARCH ALL", "STORE 1 FLAGS ()", f"COPY 1 {name}", "UID SEARCH 1", "UID SEARCH NOT 2:3"):
            self.assertTrue(client.do(command)[1].startswith("BAD [UIDREQUIRED]"), command)
        self.assertEqual(client.ok("UID FETCH 3 (FLAGS)"), ["* 3 UIDFETCH (FLAGS ())"])
        self.assertEqual(client.ok("UID STORE 3 +FLAGS (\\Seen)"), ["* 3 UIDFETCH (FLAGS (\\Seen))"])
        other = self.imap()
        other.ok(f"SELECT {name}")
        other.ok("STORE 2 +FLAGS (\\Deleted)")
        other.ok("STORE 4 +FLAGS (\\Flagged)")
        other.ok("EXPUNGE")
        news = client.ok("NOOP")
        self.assertEqual(news[0], "* VANISHED 2")
        self.assertEqual(news[1:], ["* 4 UIDFETCH (FLAGS (\\Flagged))"])


class Metadata(Extensions):
    def test_notes_stay_follow_and_go(self):
        client, name = self.selected()
        client.ok(f'SETMETADATA {name} (/private/comment "My own" /shared/comment {{5+}}\r\na\r\nb )')
        self.assertEqual(client.ok(f"GETMETADATA {name} (/shared/comment /private/comment /private/none)"),
                         [f'* METADATA "{name}" (/private/comment "My own" /private/none NIL /shared/comment {{5}}\r\na\r\nb )'])
        client.ok('SETMETADATA "" (/private/vendor/test/x "mine")')
        client.ok(f"RENAME {name} {name}new")
        self.the_server.kill()
        self.the_server.start()
        client = self.imap()
        self.assertEqual(client.ok(f"GETMETADATA {name}new /private/comment"), [f'* METADATA "{name}new" (/private/comment "My own")'])
        self.assertEqual(client.ok('GETMETADATA "" (DEPTH infinity) /private'), ['* METADATA "" (/private/vendor/test/x "mine")'])
        self.assertEqual(self.imap("bert").ok('GETMETADATA "" /private/vendor/test/x'), ['* METADATA "" (/private/vendor/test/x NIL)'])
        client.ok(f"SETMETADATA {name}new (/private/comment NIL)")
        self.assertEqual(client.ok(f"GETMETADATA {name}new /private/comment"), [f'* METADATA "{name}new" (/private/comment NIL)'])
        client.ok(f"DELETE {name}new")
        self.assertTrue(client.do(f"GETMETADATA {name}new /shared/comment")[1].startswith("NO [NONEXISTENT]"))
        client.ok(f"CREATE {name}new")
        self.assertEqual(client.ok(f"GETMETADATA {name}new /shared/comment"), [f'* METADATA "{name}new" (/shared/comment NIL)'])

    def test_limits_and_what_is_the_operators(self):
        client, name = self.selected()
        value = b"x" * 32768
        client.ok(b"SETMETADATA %s (/private/long {%d+}\r\n%s)" % (name.encode(), len(value), value))
        untagged, tagged = client.do(f"GETMETADATA {name} (MAXSIZE 100 DEPTH infinity) /private")
        self.assertEqual((untagged, tagged.split("]")[0]), ([f'* METADATA "{name}" (/private NIL)'] if untagged else [], "OK [METADATA LONGENTRIES 32768"))
        for size in (32769, 100_000):
            self.assertTrue(client.do(b"SETMETADATA %s (/private/other \"x\" /private/long {%d+}\r\n%s)" % (name.encode(), size, b"x" * size))[1]
                            .startswith("NO [METADATA MAXSIZE 32768]"))
        self.assertEqual(client.ok(f"GETMETADATA {name} /private/other"), [f'* METADATA "{name}" (/private/other NIL)'])
        for i in range(99):
            client.ok(f'SETMETADATA {name} (/shared/n{i} "x")')
        self.assertTrue(client.do(f'SETMETADATA {name} (/shared/more "x")')[1].startswith("NO [METADATA TOOMANY]"))
        self.assertTrue(client.do('SETMETADATA "" (/shared/comment "x")')[1].startswith("NO [NOPERM]"))
        self.assertRegex(client.ok('GETMETADATA "" /shared/admin')[0], r'^\* METADATA "" \(/shared/admin "mailto:postmaster@[^"]+"\)$')

    def test_imaptalk_sets_and_gets(self):
        if run(["perl", "-MMail::IMAPTalk", "-e", "1"]).returncode != 0:
            self.skipTest("Mail::IMAPTalk is not installed (Debian package libmail-imaptalk-perl)")
        script = r"""
            use Mail::IMAPTalk;
            my $imap = Mail::IMAPTalk->new(Server => '127.0.0.1', Port => $ARGV[0], Username => $ARGV[1], Password => $ARGV[2], Uid => 1) or die $@;
            $imap->create('Talk');
            $imap->setmetadata('Talk', '/private/comment', 'A comment', '/shared/vendor/a/b', "two\r\nlines") or die $@;
            my $got = $imap->getmetadata('Talk', {depth => 'infinity'}, '/private', '/shared') or die $@;
            for my $box (sort keys %$got) { print "$box $_=$got->{$box}{$_}\n" for sort keys %{$got->{$box}} }
        """
        done = programs.run_ok(["perl", "-e", script, str(self.the_server.port("imap")), f"bert@{LOCAL}", PASSWORD])
        self.assertEqual(done.stdout.replace(b"\r\n", b"\n").decode(), "Talk /private/comment=A comment\nTalk /shared/vendor/a/b=two\nlines\n")


class Notify(Extensions):
    """`client` is told without asking; `other` does things."""

    def setUp(self):
        self.client, self.name = self.selected(1)
        self.other = self.imap()

    def hears(self, *expected):
        for wanted in expected:
            self.assertRegex(self.client.response(), wanted)

    def hears_nothing(self):
        """What comes with the next command is its own answer alone."""
        self.assertEqual(self.client.ok("GETQUOTAROOT INBOX")[0], '* QUOTAROOT "INBOX" ""')
        self.assertEqual(self.client.pending, b"")

    def test_the_selected_mailbox_at_once(self):
        self.client.ok("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))")
        self.other.append(self.name, "two")
        self.hears(r"^\* 2 EXISTS$", r"^\* \d RECENT$", r"^\* 2 FETCH \(UID 2 BODY\[HEADER.FIELDS \(SUBJECT\)\] \{16\}\r\nSubject: two\r\n\r\n\)$")
        self.other.ok(f"SELECT {self.name}")
        self.other.ok("STORE 2 +FLAGS (\\Flagged)")
        self.hears(r"^\* 2 FETCH \(UID 2 FLAGS \(\\Flagged.*\)\)$")
        self.other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.other.ok("EXPUNGE")
        self.hears(r"^\* 1 FETCH \(UID 1 FLAGS", r"^\* 1 EXPUNGE$")
        # In IDLE just the same.
        self.client.send("IDLE")
        self.assertTrue(self.client.response().startswith("+"))
        self.other.append(self.name, "three")
        self.hears(r"^\* 2 EXISTS$", r"RECENT$", r"^\* 2 FETCH \(UID 3 BODY")
        self.client.socket.sendall(b"DONE\r\n")
        self.client.answer()

    def test_what_the_client_does_itself_is_not_told(self):
        self.client.ok("CREATE Own")
        self.client.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge)) (personal (MessageNew MessageExpunge MailboxName SubscriptionChange "
                       "MailboxMetadataChange))")
        untagged, _ = self.client.append(self.name, "mine")
        self.assertEqual(untagged[0], "* 2 EXISTS")
        self.assertFalse(any("FETCH" in one for one in untagged), untagged)
        for command in ("CREATE Own/below", "RENAME Own/below Own/other", "SUBSCRIBE Own/other", 'SETMETADATA Own (/private/comment "x")', "COPY 1 Own",
                        "DELETE Own/other"):
            self.assertEqual([one for one in self.client.ok(command) if not one.startswith("* OK")], [], command)
        self.hears_nothing()

    def test_expunges_wait_when_they_are_to(self):
        self.client.ok("NOTIFY SET (selected-delayed (MessageNew MessageExpunge))")
        self.other.append(self.name, "two")
        self.hears(r"^\* 2 EXISTS$", r"RECENT$")
        self.other.ok(f"SELECT {self.name}")
        self.other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")  # nobody wants flags
        self.other.ok("EXPUNGE")
        self.other.append(self.name, "three")
        self.hears(r"^\* 3 EXISTS$", r"RECENT$")
        self.assertEqual(self.client.ok("FETCH 2 UID"), ["* 2 FETCH (UID 2)"])
        self.assertIn("* 1 EXPUNGE", self.client.ok("NOOP"))

    def test_none_is_none(self):
        self.client.ok("NOTIFY SET (selected NONE)")
        self.other.append(self.name, "two")
        self.assertEqual(self.client.ok("NOOP"), [])
        self.client.ok("NOTIFY NONE")
        self.assertEqual(self.client.ok("NOOP"), [])
        self.assertIn("* 2 EXISTS", self.client.ok("NOTIFY SET (selected (MessageNew MessageExpunge))"))

    def test_other_mailboxes_by_status(self):
        for name in ("Lists", "Lists/a", "Other"):
            self.other.ok(f"CREATE {self.name}/{name}")
        top = self.name
        first = self.client.ok(f"NOTIFY SET STATUS (subtree {top}/Lists (MessageNew MessageExpunge FlagChange)) (mailboxes ({top}/Other {top}/none) (MessageNew MessageExpunge))")
        self.assertEqual(sorted(re.sub(r"\d+", "n", one) for one in first),
                         sorted([f'* STATUS "{re.sub("[0-9]+", "n", top)}/Lists" (MESSAGES n UIDNEXT n UIDVALIDITY n HIGHESTMODSEQ n)',
                                 f'* STATUS "{re.sub("[0-9]+", "n", top)}/Lists/a" (MESSAGES n UIDNEXT n UIDVALIDITY n HIGHESTMODSEQ n)',
                                 f'* STATUS "{re.sub("[0-9]+", "n", top)}/Other" (MESSAGES n UIDNEXT n UIDVALIDITY n)']))
        self.other.append(f"{top}/Lists/a", "new")
        self.hears(rf'^\* STATUS "{top}/Lists/a" \(MESSAGES 1 UIDNEXT 2\)$')
        self.other.append(top, "of the selected one, which nobody watches")
        self.other.append(f"{top}/Other", "new")
        self.hears(rf'^\* STATUS "{top}/Other" \(MESSAGES 1 UIDNEXT 2\)$')
        self.other.ok(f"SELECT {top}/Lists/a")
        self.other.ok("STORE 1 +FLAGS (\\Seen)")
        self.hears(rf'^\* STATUS "{top}/Lists/a" \(UIDVALIDITY \d+ UNSEEN 0\)$')
        self.client.ok("ENABLE CONDSTORE")
        self.other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.hears(rf'^\* STATUS "{top}/Lists/a" \(UIDVALIDITY \d+ UNSEEN 0 HIGHESTMODSEQ \d+\)$')
        self.other.ok("EXPUNGE")
        self.hears(rf'^\* STATUS "{top}/Lists/a" \(MESSAGES 0 UIDNEXT 2 HIGHESTMODSEQ \d+\)$')

    def test_names_subscriptions_and_notes(self):
        self.client.ok("NOTIFY SET (personal (MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))")
        name = f"{self.name}/New"
        self.other.ok(f"CREATE {name}")
        self.hears(rf'^\* LIST \(\\HasNoChildren\) "/" "{name}"$', rf'^\* LIST \(\\HasChildren\) "/" "{self.name}"$')
        self.other.ok(f"SUBSCRIBE {name}")
        self.hears(rf'^\* LIST \(\\HasNoChildren \\Subscribed\) "/" "{name}"$')
        self.other.ok(f"UNSUBSCRIBE {name}")
        self.hears(rf'^\* LIST \(\\HasNoChildren\) "/" "{name}"$')
        self.other.ok(f'SETMETADATA {name} (/private/comment "x" /shared/comment "y")')
        self.hears(rf'^\* METADATA "{name}" /private/comment /shared/comment$')
        self.other.ok('SETMETADATA "" (/private/vendor/a/b NIL /private/vendor/a/c "y")')
        self.hears(r'^\* METADATA "" /private/vendor/a/c$')
        self.other.ok(f"RENAME {name} {name}er")
        self.hears(rf'^\* LIST \(\\HasNoChildren\) "/" "{name}er" \("OLDNAME" \("{name}"\)\)$')
        self.other.ok(f"DELETE {name}er")
        self.hears(rf'^\* LIST \(\\NonExistent\) "/" "{name}er"$', rf'^\* LIST \(\\HasNoChildren\) "/" "{self.name}"$')
        self.other.append("INBOX", "nobody asked")
        self.hears_nothing()

    def test_what_cannot_be_watched_is_refused(self):
        self.assertRegex(self.client.do("NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))")[1],
                         r"^NO \[BADEVENT \(MessageNew MessageExpunge FlagChange MailboxName [^)]*\)\]")
        many = " ".join(f"m{i}" for i in range(1001))
        self.assertTrue(self.client.do(f"NOTIFY SET (mailboxes ({many}) (MailboxName))")[1].startswith("NO [NOTIFICATIONOVERFLOW]"))
        self.assertTrue(self.client.do("NOTIFY SET (personal (MessageNew))")[1].startswith("BAD"))

    def test_who_reads_nothing_is_told_that_it_was_too_much(self):
        self.client.ok("NOTIFY SET (personal (SubscriptionChange))")
        data = MAIL % (b"x", b"x")
        self.client.tags += 1
        self.client.socket.sendall(b"t%d APPEND %s {%d+}\r\n" % (self.client.tags, self.name.encode(), len(data)))  # in the middle of a command
        for i in range(1001):
            self.other.ok(f"SUBSCRIBE {self.name}/s{i}")
        self.client.socket.sendall(data + b"\r\n")
        untagged, tagged = self.client.answer()
        self.assertTrue(tagged.startswith("OK"), tagged)
        self.assertTrue(any(one.startswith("* OK [NOTIFICATIONOVERFLOW]") for one in untagged), untagged[:3])
        self.other.ok(f"SUBSCRIBE {self.name}/more")
        self.hears_nothing()


if __name__ == "__main__":
    ringpost.main()
