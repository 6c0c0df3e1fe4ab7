# shellcheck shell=bash
# Real mail through every part, on loopback: server and sink with embedded defaults, a folder of their own, no leftovers.
#
# What is sent where: example.org and everything below bulk.test is played by the sink, which answers DNS too; localhost is
# local and ends in Maildirs. The server is killed with SIGKILL under load and started again. The summary compares two files:
# what the load generator was told is safe, and what the sink got.

demo_folder=""
demo_server=""
demo_sink=""
demo_load=""

dev_demo() {
  build_preset release src/server/ringpost tools/loadgen/loadgen
  local started=$SECONDS
  demo_folder=$(mktemp -d "${TMPDIR:-/tmp}/ringpost-demo-XXXXXX")
  trap demo_clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  demo_ringpost=$PWD/build/release/src/server/ringpost
  demo_loadgen=$PWD/build/release/tools/loadgen/loadgen
  demo_configure
  demo_start_sink
  demo_start_server
  demo_send_kinds
  demo_show_mail
  demo_filter
  demo_crash 1
  demo_crash 2
  demo_settle
  demo_say_how
  say "done in $((SECONDS - started)) s"
}

demo_clean_up() {
  local status=$? process
  trap - EXIT
  for process in $demo_load $demo_server $demo_sink; do
    kill -KILL "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  if [ -n "$demo_folder" ]; then
    [ "$status" = 0 ] || { echo "== the last lines of the log:"; tail -n 20 "$demo_folder/mail.log"; } >&2 2>/dev/null || true
    rm -rf "$demo_folder"
  fi
  exit "$status"
}

# A port of 127.0.0.1 that nobody has, below those that the system gives away by itself.
demo_port() {
  python3 - <<'PYTHON'
import random, socket
while True:
    port = random.randint(20000, 31999)
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", port))
    except OSError:
        continue
    print(port)
    break
PYTHON
}

# demo_wait SECONDS WHAT COMMAND...: until the command succeeds.
demo_wait() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || die "waited too long for $what"
    sleep 0.05
  done
}

demo_greets() { python3 -c 'import socket, sys; assert socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5).recv(3) == b"220"' "$1"; }

# What `ringpost init` writes, with free ports, and the sink as the rest of the world.
demo_configure() {
  say "a configuration as \`ringpost init\` writes it"
  mx_port=$(demo_port) submission_port=$(demo_port) imap_port=$(demo_port) sink_port=$(demo_port) dns_port=$(demo_port)
  config=$demo_folder/conf/ringpost.toml
  "$demo_ringpost" init "$demo_folder/conf" >/dev/null
  sed -i -e "s/127\.0\.0\.1:2525/127.0.0.1:$mx_port/" -e "s/127\.0\.0\.1:4465/127.0.0.1:$submission_port/" -e "s/127\.0\.0\.1:4993/127.0.0.1:$imap_port/" "$config"
  mkdir "$demo_folder/conf/conf.d"
  cat >"$demo_folder/conf/conf.d/demo.toml" <<TOML
[route.world]
match = { domain = "*" }
via = "mx"
[deliver]
port = $sink_port
[resolver]
servers = ["127.0.0.1:$dns_port"]
[filter]
rules = ["../demo.cf"]
[log.demo]
to = "file:$demo_folder/mail.log"
TOML
  # As SpamAssassin has them; with the package spamassassin, filter.rules names /usr/share/spamassassin too.
  cat >"$demo_folder/conf/demo.cf" <<'RULES'
report_safe 0
rewrite_header Subject [SPAM]
add_header all Status "_YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_"
body     CHEAP_PILLS  /\bcheap (?:pills|watches)\b/i
describe CHEAP_PILLS  Sells what nobody asked for
score    CHEAP_PILLS  4
header   SUBJ_SHOUTS  Subject =~ /^[^a-z]{10,}$/
describe SUBJ_SHOUTS  The subject has no small letter
score    SUBJ_SHOUTS  2
uri      HTTP_BY_IP   m{^https?://\d+\.\d+\.\d+\.\d+}
describe HTTP_BY_IP   A link to a number
score    HTTP_BY_IP   3
meta     PILLS_BY_IP  CHEAP_PILLS && HTTP_BY_IP && SUBJ_SHOUTS
describe PILLS_BY_IP  All of it at once
score    PILLS_BY_IP  8
body     GTUBE        /XJS\*C4JDBQADN1\.NSBN3\*2IDNEN\*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL\*C\.34X/
describe GTUBE        The test string that every spam filter knows
score    GTUBE        1000
RULES
  sed -i '1i include = ["conf.d/*.toml"]' "$config"
  if [ "$(id -u)" = 0 ]; then
    printf '[server]\nuser = "nobody"\n' >"$demo_folder/conf/conf.d/user.toml"
    chmod 755 "$demo_folder"
    chown -R nobody "$demo_folder"
  fi
  "$demo_ringpost" check "$config"
}

demo_start_sink() {
  say "the sink listens on 127.0.0.1:$sink_port, and answers DNS for example.org and *.bulk.test"
  "$demo_loadgen" sink --listen "127.0.0.1:$sink_port" --dns "127.0.0.1:$dns_port" --domains 'example.org,*.bulk.test' --tls starttls \
    --received "$demo_folder/received" --quiet >"$demo_folder/sink.out" 2>&1 &
  demo_sink=$!
  demo_wait 20 "the sink" demo_greets "$sink_port"
}

demo_start_server() {
  "$demo_ringpost" serve --config "$config" >>"$demo_folder/server.out" 2>&1 &
  demo_server=$!
  demo_wait 30 "the server; it said: $(tail -n 5 "$demo_folder/server.out" 2>/dev/null)" demo_answers
  "$demo_ringpost" status --config "$config"
}

demo_answers() {
  kill -0 "$demo_server" || die "the server has ended: $(tail -n 5 "$demo_folder/server.out")"
  "$demo_ringpost" status --config "$config"
}

# demo_load NAME MESSAGES OPTIONS...: one kind of mail. Every 250 is written to the file of acknowledgements.
demo_load() {
  local name=$1 messages=$2
  shift 2
  say "$name"
  "$demo_loadgen" smtp --messages "$messages" --acknowledged "$demo_folder/acknowledged" --quiet "$@" | grep -E 'acknowledged|latency|rate' || die "no mail was acknowledged"
}

demo_send_kinds() {
  local mx=127.0.0.1:$mx_port submission=127.0.0.1:$submission_port
  demo_load "5,000 mails of 4 KiB over 32 connections, for example.org" 5000 --to "$mx" --connections 32
  demo_load "2,000 by BDAT, pipelined, to 100 domains below bulk.test" 2000 --to "$mx" --bdat --in-flight 4 --recipient-domain bulk.test --domains 100
  demo_load "500 over STARTTLS, 5 recipients each" 500 --to "$mx" --tls starttls --recipients 5
  demo_load "50 of 2 MiB" 50 --to "$mx" --size 2MiB --connections 4
  printf 'demo secret\n' | "$demo_ringpost" user add anna --config "$config"
  demo_load "200 by submission over TLS, with a login" 200 --to "$submission" --protocol submission --tls implicit --auth "anna:demo secret" --from anna@localhost --connections 4
  say "one by curl and one by swaks, for Anna, who is local"
  printf 'From: me@example.org\r\nTo: anna@localhost\r\nSubject: from curl\r\n\r\nHello Anna.\r\n' >"$demo_folder/mail.eml"
  curl --silent --show-error --url "smtp://$mx/demo.invalid" --mail-from me@example.org --mail-rcpt anna@localhost --upload-file "$demo_folder/mail.eml"
  swaks --server "$mx" --from me@example.org --to anna@localhost --header "Subject: from swaks" --tls --pipeline --silent 2
  printf 'Subject: from sendmail\n\nHello again.\n' | RINGPOST_CONFIG=$config "$demo_ringpost" sendmail -f me@example.org anna@localhost
}

# demo_imap PART: a part of the URL of Anna's inbox; what Anna's mail program would ask.
demo_imap() { curl --silent --show-error --insecure --user "anna:demo secret" --url "imaps://127.0.0.1:$imap_port/INBOX$1"; }

demo_anna_has() { [ "$(demo_imap '?ALL' | tr ' ' '\n' | grep -c '^[0-9]')" -ge "$1" ]; }

demo_show_mail() {
  local number
  demo_wait 60 "three mails in Anna's mailbox" demo_anna_has 3
  say "Anna's inbox, read over IMAP"
  for number in 1 2 3; do
    demo_imap ";MAILINDEX=$number;SECTION=HEADER.FIELDS%20(FROM%20SUBJECT)" | tr -d '\r' | grep . | sed "1s/^/    $number  /; 2,\$s/^/       /"
  done
  say "what the log says of it"
  grep -E 'anna@localhost' "$demo_folder/mail.log" | tail -n 3
  say "what came at the sink so far: $(wc -l <"$demo_folder/received") mails; the last two:"
  tail -n 2 "$demo_folder/received"
}

# demo_spam SUBJECT BODY: one mail for Anna; says what the server answered.
demo_spam() {
  swaks --server "127.0.0.1:$mx_port" --from you@example.org --to anna@localhost --header "Subject: $1" --body "$2" 2>&1 | grep -E '^<(~|\*|-)' | tail -n 2 | head -n 1 || true
}

demo_filter_knows() { [ "$(grep -c 'tests=' "$demo_folder/mail.log")" -ge "$1" ]; }

# One mail of each kind, by rules of SpamAssassin's language.
demo_filter() {
  local before
  before=$(grep -c 'tests=' "$demo_folder/mail.log" || true)
  say "spam: one is tagged, one refused for its score, and GTUBE"
  demo_spam "BUY NOW, BUY TODAY" "Cheap watches for you."
  demo_spam "BUY NOW, BUY TODAY" "Cheap pills at http://192.0.2.7/"
  demo_spam "a test" 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'
  demo_wait 20 "the log of the filter" demo_filter_knows $((before + 3))
  echo "which rules hit, as the log says:"
  grep 'tests=' "$demo_folder/mail.log" | tail -n 3 | grep -oE '(received|rejected)|(score|tests|action)=[^ ]*' | paste -d ' ' - - - - | sed 's/^/    /'
  demo_wait 20 "the tagged mail" demo_anna_has 4
  echo "the tagged one in Anna's inbox:"
  demo_imap ";MAILINDEX=4" | tr -d '\r' | sed -n -e '/^X-Spam/,/^Subject/p' | sed 's/^/    /'
  printf 'Subject: BUY NOW, BUY TODAY\n\nCheap pills at http://192.0.2.7/\n' >"$demo_folder/spam.eml"
  echo "the same rules by hand, \`ringpost filter test\`:"
  "$demo_ringpost" filter test "$demo_folder/spam.eml" --cache "$demo_folder" --config "$config" | sed 's/^/    /'
}

demo_acknowledged_reach() { [ "$(wc -l <"$demo_folder/acknowledged")" -ge "$1" ]; }

# Under load, at a moment that nobody chose. The load goes on when the server is back.
demo_crash() {
  local before
  before=$(wc -l <"$demo_folder/acknowledged")
  say "crash $1: SIGKILL under load"
  "$demo_loadgen" smtp --to "127.0.0.1:$mx_port" --connections 64 --messages 20000 --resend --recipient-domain bulk.test --domains 50 \
    --acknowledged "$demo_folder/acknowledged" --quiet >"$demo_folder/load.out" 2>&1 &
  demo_load=$!
  demo_wait 60 "the load" demo_acknowledged_reach $((before + 2000 + RANDOM % 4000))
  kill -KILL "$demo_server"
  wait "$demo_server" 2>/dev/null || true
  echo "killed; $(($(wc -l <"$demo_folder/acknowledged") - before)) of 20,000 were acknowledged. It starts again:"
  demo_start_server
  wait "$demo_load" || die "the load ended badly: $(cat "$demo_folder/load.out")"
  demo_load=""
  grep -E 'acknowledged' "$demo_folder/load.out" | head -n 2
}

demo_is_empty() { [ "$("$demo_ringpost" queue summary --json --config "$config" | tail -n 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["messages"])')" = 0 ]; }

demo_settle() {
  say "the queue drains"
  "$demo_ringpost" queue summary --config "$config" | tail -n 1
  demo_wait 180 "the queue to be empty" demo_is_empty
  "$demo_ringpost" stop --config "$config"
  wait "$demo_server" || die "the server ended badly: $(tail -n 5 "$demo_folder/server.out")"
  demo_server=""
  kill -TERM "$demo_sink"
  wait "$demo_sink" || die "the sink ended badly: $(tail -n 5 "$demo_folder/sink.out")"
  demo_sink=""
  say "what was promised, and what came"
  "$demo_loadgen" compare "$demo_folder/acknowledged" "$demo_folder/received"
}

demo_say_how() {
  cat <<TEXT

To point a mail program at a server of your own:
  build/release/src/server/ringpost init ~/ringpost-trial
  build/release/src/server/ringpost serve --config ~/ringpost-trial/ringpost.toml &
  build/release/src/server/ringpost user add anna --config ~/ringpost-trial/ringpost.toml
then tell it: incoming server (IMAP) 127.0.0.1, port 4993, outgoing server 127.0.0.1, port 4465, both SSL/TLS (the certificate signs itself), user name anna;
or from a shell:  swaks --server 127.0.0.1:2525 --to anna@localhost
                  curl --insecure --user anna 'imaps://127.0.0.1:4993/INBOX;MAILINDEX=1'

TEXT
}
