#!/usr/bin/env python3
"""Bulk mail through the real server to many domains whose receivers throttle, defer, greylist and drop: each message is delivered
once, or bounced once because its receiver refuses the address; none is lost and none comes twice.

RINGPOST_BULK_MESSAGES and RINGPOST_BULK_DOMAINS say how many; bench/bulk.py runs it at full size.
"""

import glob
import json
import os
import re
import signal

import programs
import ringpost
from programs import Program, free_port, run_ok, temp_folder, wait_until
from ringpost import LOCAL, SystemTest

MESSAGES = int(os.environ.get("RINGPOST_BULK_MESSAGES", "1200"))
DOMAINS = int(os.environ.get("RINGPOST_BULK_DOMAINS", "40"))
PATIENCE = float(os.environ.get("RINGPOST_BULK_PATIENCE", "240"))
PERSONAS = os.path.join(programs.SOURCE, "bench", "personas.toml")
RECEIVERS = ("gmail", "outlook", "yahoo", "small")


class Bulk(SystemTest):
    def setUp(self):
        self.folder = temp_folder("ringpost-bulk-")
        self.port, self.dns = free_port(), free_port()
        self.sink = Program([ringpost.loadgen(), "sink", "--listen", f"127.0.0.1:{self.port}", "--dns", f"127.0.0.1:{self.dns}", "--personas", PERSONAS,
                             "--received", self.path("received"), "--cores", "0", "--no-pin", "--json", "--quiet"], self.folder)
        self.addCleanup(self.sink.kill)
        wait_until(lambda: "answering DNS" in self.sink.output(), "the sink to be ready")
        # One receiver takes five connections for all its domains: one that waits for more mail keeps another domain out, and so short
        # a wait between attempts as other tests have would only make millions of refused ones.
        self.server = ringpost.Server({"resolver": {"servers": [f"127.0.0.1:{self.dns}"]}, "deliver": {"port": self.port, "idle_timeout": "200ms"},
                                       "retry": {"intervals": ["2s", "5s", "10s"]}})
        self.addCleanup(self.server.end)

    def path(self, name):
        return os.path.join(self.folder, name)

    def send(self):
        said = run_ok([ringpost.loadgen(), "smtp", "--to", f"127.0.0.1:{self.server.port()}", "--connections", "16", "--messages", str(MESSAGES),
                       "--from", f"anna@{LOCAL}", "--size", "2KiB", "--bdat", "--domains", str(DOMAINS // len(RECEIVERS)), "--mailboxes", "200",
                       "--recipient-domain", ",".join(f"{name}.test" for name in RECEIVERS), "--cores", "0", "--no-pin", "--retry", "100",
                       "--acknowledged", self.path("acknowledged"), "--run-file", self.path("run.json"),
                       "--admin", os.path.join(self.server.folder, "run", "admin"), "--json", "--quiet"], patience=PATIENCE)
        return json.loads(said.stdout)

    def reported(self):
        """The ids of all messages that came back to their sender."""
        ids = []
        for path in glob.glob(os.path.join(self.server.mail_folder, LOCAL, "anna", "new", "*")):
            with open(path, "rb") as file:
                text = file.read()
            self.assertIn(b"message/delivery-status", text)
            ids += [found.decode() for found in re.findall(rb"(?m)^X-Loadgen-Id: (\S+)", text)]
        return ids

    def test_each_message_is_delivered_once_or_bounced_once(self):
        sent = self.send()
        self.assertEqual(sent["acknowledged"], MESSAGES)
        self.server.wait_until_empty(PATIENCE)
        self.sink.send(signal.SIGTERM)
        self.sink.wait()
        took = json.loads(self.sink.output().splitlines()[-1])

        with open(self.path("acknowledged")) as file:
            acknowledged = {line.split()[0] for line in file}
        with open(self.path("received")) as file:
            lines = [line.split() for line in file]
        received = [line[0] for line in lines]
        self.assertEqual(len(acknowledged), MESSAGES)
        self.assertEqual({line[2] for line in lines}, {"ok"})
        self.assertEqual(len(received), len(set(received)), "some came twice")
        self.assertEqual(took["duplicates"], 0)
        reported = self.reported()
        self.assertEqual(len(reported), len(set(reported)), "some were bounced twice")
        self.assertEqual(set(received) & set(reported), set(), "some were delivered and bounced")
        self.assertEqual(set(received) | set(reported), acknowledged, "some are lost")
        self.assertEqual(len(reported), self.server.figure("deliver_recipients_bounced"))

        # The receivers did what they are there for, and within what they allow.
        personas = took["personas"]
        print(json.dumps(personas, indent=1))
        print(f"{MESSAGES} messages to {took['domains_total']} domains: {len(received)} delivered, {len(reported)} bounced")
        self.assertEqual(took["domains_total"], DOMAINS)
        self.assertGreater(len(reported), 0)
        self.assertGreater(personas["small"]["greylisted"], 0)
        self.assertGreater(personas["outlook"]["rejected_temporary"], 0)
        self.assertGreater(sum(one["dropped"] + one["stormed"] + one["over_rate"] + one["turned_away"] for one in personas.values()), 0)


if __name__ == "__main__":
    ringpost.main()
