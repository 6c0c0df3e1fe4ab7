# shellcheck shell=bash
# Runs Debian's SpamAssassin and our filter over the same mails with the same rules, and compares what hits.

# Needs no installation: the packages are unpacked into build/foreign. Recommended ones stay out, since some change what hits.
oracle_packages="spamassassin libhtml-parser-perl libhtml-tagset-perl libsys-hostname-long-perl libnet-dns-perl libnetaddr-ip-perl
  libhttp-date-perl libtimedate-perl libmail-dkim-perl libmailtools-perl libcrypt-openssl-rsa-perl libcrypt-openssl-bignum-perl
  libcrypt-openssl-random-perl libmail-authenticationresults-perl libio-string-perl libio-stringy-perl liburi-perl libsocket6-perl
  libregexp-ipv6-perl libdigest-hmac-perl"

unpack_oracle() {
  local root=build/foreign/spamassassin package
  [ -e "$root/.complete" ] && return
  say "unpacking SpamAssassin into $root"
  mkdir -p "$root/packages" "$root/site" "$root/state"
  for package in $oracle_packages; do
    (cd "$root/packages" && apt-get download -q -q "$package" >/dev/null) || die "apt-get download $package failed"
  done
  for package in "$root"/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
  cp "$root"/etc/spamassassin/*.pre "$root"/etc/spamassassin/*.cf "$root/site/"
  # Bayes would learn from mail to mail, and change the set of scores on its way.
  echo 'use_bayes 0' >>"$root/site/local.cf"
  touch "$root/.complete"
}

dev_agree() {
  local corpus=${RINGPOST_CORPUS:-} mails='' what=agree preset=${RINGPOST_PRESET:-release}
  while [ $# -gt 0 ]; do
    case "$1" in
      --corpus) corpus=${2:?--corpus DIR}; shift 2 ;;
      --mails) mails=${2:?--mails N}; shift 2 ;;
      --bayes) what=agree_bayes; shift ;;
      *) die "agree [--bayes] [--corpus DIR] [--mails N]: there is no '$1'" ;;
    esac
  done
  [ -d "$corpus" ] || die "agree needs a folder of mails or of .tar.zst archives of them: --corpus DIR or RINGPOST_CORPUS"
  unpack_oracle
  build_preset "$preset" ringpost
  python3 "tools/dev/$what.py" --corpus "$corpus" ${mails:+--mails "$mails"} --oracle build/foreign/spamassassin \
    --program "build/$preset/src/server/ringpost" --out "build/$what"
}
