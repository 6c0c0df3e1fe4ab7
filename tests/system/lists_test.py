"""DNS lists at connect and RCPT, and in rules: the running server with a DNS of its own."""

import base64
import os

import ringpost
from dns_server import NS, PTR, TXT, A, DnsServer
from programs import temp_folder, wait_until
from ringpost import LOCAL, PASSWORD, REMOTE, UNTRUSTED, SystemTest, message

ANNA = f"anna@{LOCAL}"
SENDER = f"sender@{REMOTE}"
CLIENT = "7.0.0.127"  # UNTRUSTED, as lists are asked about it
LISTED = {f"{CLIENT}.zen.example": [(A, "127.0.0.2"), (TXT, "see https://zen.example/q")]}


class Lists(SystemTest):
    def listed_server(self, zone, lists, more=None):
        self.dns = self.closing(DnsServer(zone))
        config = {"resolver": {"servers": [f"127.0.0.1:{self.dns.port}"], "timeout": "1s", "attempts": 1}, "blocklist": lists}
        return self.server(ringpost.merged(config, more or {}))

    def recipient(self, server, pattern, helo="client.example", sender=SENDER, source=UNTRUSTED):
        with server.talk(source=source) as client:
            client.hello(helo)
            client.ask(f"MAIL FROM:<{sender}>", "250")
            return client.ask(f"RCPT TO:<{ANNA}>", pattern)


class Receiving(Lists):
    def test_a_listed_client_is_refused_at_rcpt_with_the_words_of_the_list(self):
        server = self.listed_server(LISTED, {"zen": {"zone": "zen.example"}})
        reply = self.recipient(server, r"554 5\.7\.1 .*\[127\.0\.0\.7\].*zen\.example; see https://zen\.example/q")
        self.assertEqual(reply.code, 554)
        self.recipient(server, "250", source="127.0.0.8")
        self.recipient(server, "250", source="127.0.0.1")  # relay_networks are exempt
        self.assertEqual(server.figure("blocklist_listed_zen"), 1)
        self.assertEqual(server.figure("blocklist_rejected"), 1)

    def test_a_listed_client_is_refused_before_it_says_a_word(self):
        server = self.listed_server(LISTED, {"zen": {"zone": "zen.example"}}, {"blocklists": {"stage": "connect"}})
        with server.talk(source=UNTRUSTED) as client:
            client.expect(r"554 5\.7\.1 .*zen\.example")
            client.expect_closed()
        with server.talk(source="127.0.0.8") as client:
            client.expect("220 ")

    def test_dns_that_fails_or_is_silent_never_blocks_mail(self):
        server = self.listed_server(LISTED, {"zen": {"zone": "zen.example"}, "mute": {"zone": "mute.example"}},
                                    {"blocklists": {"timeout": "1s"}})
        self.dns.failing.add(f"{CLIENT}.zen.example")
        self.dns.silent.add(f"{CLIENT}.mute.example")
        self.recipient(server, "250")
        self.assertEqual(server.figure("blocklist_failures"), 2)

    def test_names_of_sender_and_helo_are_looked_up(self):
        zone = {"bad.example.rhs.example": [(A, "127.0.1.2")], "helo.bad.example.helo.example": [(A, "127.0.1.2")]}
        server = self.listed_server(zone, {"rhs": {"zone": "rhs.example", "check": "sender"},
                                           "helo": {"zone": "helo.example", "check": "helo"}})
        self.recipient(server, r"554 5\.7\.1 Sender domain bad\.example", sender="x@bad.example")
        self.recipient(server, r"554 5\.7\.1 Helo name helo\.bad\.example", helo="helo.bad.example")
        self.recipient(server, "250")

    def test_the_name_of_the_client_by_reverse_lookup_and_domains_of_recipients_are_looked_up(self):
        zone = {"7.0.0.127.in-addr.arpa": [(PTR, "dial.up.example")], "dial.up.example.rev.example": [(A, "127.0.1.2")],
                f"{LOCAL}.rcpt.example": [(A, "127.0.1.2")]}
        server = self.listed_server(zone, {"rev": {"zone": "rev.example", "check": "reverse_client"}})
        self.recipient(server, r"554 5\.7\.1 Client name dial\.up\.example")
        self.recipient(server, "250", source="127.0.0.8")
        server = self.listed_server(zone, {"rcpt": {"zone": "rcpt.example", "check": "recipient"}})
        self.recipient(server, rf"554 5\.7\.1 Recipient domain {LOCAL}")

    def test_only_answers_that_are_named_count(self):
        zone = {f"{CLIENT}.zen.example": [(A, "127.0.0.10")]}
        lists = {"zen": {"zone": "zen.example", "answers": ["127.0.0.2-127.0.0.9"]}}
        server = self.listed_server(zone, lists)
        self.recipient(server, "250")
        server.reconfigure({"blocklist": {"zen": {"answers": ["127.0.0.2-127.0.0.9", "127.0.0.10"]}}})
        server.command_ok("reload")
        self.recipient(server, "554")

    def test_who_has_logged_in_is_asked_about_nowhere(self):
        server = self.listed_server(LISTED, {"zen": {"zone": "zen.example"}})
        with server.talk(source=UNTRUSTED) as client:
            client.hello()
            client.ask("STARTTLS", "220")
            client.start_tls()
            client.ask("EHLO client.example", "250")
            client.ask("AUTH PLAIN " + base64.b64encode(f"\0{ANNA}\0{PASSWORD}".encode()).decode(), "235")
            client.ask(f"MAIL FROM:<{ANNA}>", "250")
            client.ask(f"RCPT TO:<{ANNA}>", "250")

    def test_weights_add_up_and_a_list_can_allow(self):
        zone = {**LISTED, f"{CLIENT}.two.example": [(A, "127.0.0.3")]}
        lists = {"zen": {"zone": "zen.example", "weight": 2}, "two": {"zone": "two.example", "weight": 1}}
        server = self.listed_server(zone, lists, {"blocklists": {"threshold": 3}})
        self.recipient(server, "554")
        zone[f"{CLIENT}.good.example"] = [(A, "127.0.5.1")]
        server = self.listed_server(zone, {**lists, "good": {"zone": "good.example", "act": "allow"}}, {"blocklists": {"threshold": 3}})
        self.recipient(server, "250")

    def test_clients_of_the_allow_list_are_asked_about_nowhere(self):
        server = self.listed_server(LISTED, {"zen": {"zone": "zen.example"}},
                                    {"blocklists": {"allow": [UNTRUSTED + "/32"], "stage": "connect"}})
        self.recipient(server, "250")
        self.assertEqual([], [name for name, _ in self.dns.questions if name.endswith("zen.example")])
        server.reconfigure({"blocklists": {"allow": ["127.0.0.8/32"]}})
        server.command_ok("reload")
        with server.talk(source=UNTRUSTED) as client:
            client.expect(r"554 5\.7\.1 .*zen\.example")

    def test_a_reload_brings_and_takes_lists(self):
        server = self.listed_server(LISTED, {})
        self.recipient(server, "250")
        server.reconfigure({"blocklist": {"zen": {"zone": "zen.example"}}})
        server.command_ok("reload")
        self.recipient(server, "554")


class Rules(Lists):
    def filter_server(self, rules, zone, options):
        folder = temp_folder()
        os.chmod(folder, 0o755)
        self.rules_path = os.path.join(folder, "local.cf")
        with open(self.rules_path, "w") as file:
            file.write("util_rb_tld example com\nreport_safe 0\nadd_header all Status _SCORE_ _TESTS_\n" + rules)
        os.chmod(self.rules_path, 0o644)
        return self.listed_server(zone, {}, {"filter": {"rules": [folder], **options}})

    def status(self, server, data):
        """X-Spam-Status of the mail as it arrives."""
        count = len(server.mailbox(ANNA))
        with server.talk(source=UNTRUSTED) as client:
            client.hello()
            client.send(SENDER, [ANNA], data)
        mails = server.wait_for_mailbox(ANNA, count + 1)
        found = [line for mail in mails for line in mail.decode().splitlines() if line.startswith("X-Spam-Status:")]
        return found

    def test_rules_ask_dns_lists_when_they_may(self):
        rules = ("urirhssub DBL dbl.example A 127.0.1.2\nbody DBL eval:check_uridnsbl('DBL')\ntflags DBL net\nscore DBL 0 3 0 3\n"
                 "uridnssub SBL sbl.example A 127.0.0.2\nbody SBL eval:check_uridnsbl('SBL')\ntflags SBL net\nscore SBL 0 1 0 1\n")
        zone = {"evil.com.dbl.example": [(A, "127.0.1.2")], "evil.com": [(NS, "ns.evil.com")], "ns.evil.com": [(A, "203.0.113.53")],
                "53.113.0.203.sbl.example": [(A, "127.0.0.2")]}
        data = message("look", body="http://www.evil.com/x\r\n")
        server = self.filter_server(rules, zone, {"dns_lists": True})
        [status] = self.status(server, data)
        self.assertIn("DBL", status)
        self.assertIn("SBL", status)
        server = self.filter_server(rules, zone, {})
        [status] = self.status(server, data)
        self.assertNotIn("DBL", status)
        self.assertEqual([], [name for name, _ in self.dns.questions if name.endswith("dbl.example")])

    def test_a_list_of_a_rule_that_is_silent_counts_as_not_listed_and_holds_up_nobody_else(self):
        rules = ("rbl_timeout 2\nurirhssub DBL dbl.example A 127.0.1.2\nbody DBL eval:check_uridnsbl('DBL')\ntflags DBL net\nscore DBL 0 3 0 3\n"
                 "body LOOK /look/\nscore LOOK 0.5\n")
        server = self.filter_server(rules, {}, {"dns_lists": True})
        self.dns.silent.add("evil.com.dbl.example")
        with server.talk(source=UNTRUSTED) as waiting:
            waiting.hello()
            for line, answer in ((f"MAIL FROM:<{SENDER}>", "250"), (f"RCPT TO:<{ANNA}>", "250"), ("DATA", "354")):
                waiting.ask(line, answer)
            waiting.raw(message("look", body="look: http://www.evil.com/x\r\n") + b"\r\n.\r\n")
            wait_until(lambda: any(name == "evil.com.dbl.example" for name, _ in self.dns.questions), "the list to be asked")
            [status] = self.status(server, message("other", body="nothing to look up\r\n"))
            self.assertIn("LOOK", status)
            self.assertEqual(len(server.wait_for_event("received", 1)), 1)
            self.assertEqual(waiting.reply().code, 250)
        late = [event for event in server.wait_for_event("received", 2) if "LOOK" in event["tests"]]
        self.assertEqual([("DBL" in event["tests"].split(",")) for event in late], [False] * 2)


if __name__ == "__main__":
    ringpost.main()
