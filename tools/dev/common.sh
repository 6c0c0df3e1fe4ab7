# shellcheck shell=bash
# What the commands of ./dev share.

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf './dev: %s\n' "$*" >&2; exit 1; }

jobs_count() { nproc; }

# Configures and builds one preset. $1: preset, the rest: ninja targets.
build_preset() {
  local preset=$1
  shift
  need_packages
  mkdir -p build
  cmake --preset "$preset" >"build/$preset.log" 2>&1 || { cat "build/$preset.log" >&2; die "cmake --preset $preset failed"; }
  ninja -C "build/$preset" -j "$(jobs_count)" "$@"
}

# Debian packages of the build, and those whose programs the tests drive or deliver into. Foreign servers are not
# installed: tests unpack them into a folder of their own (build/foreign), so no service starts and no mail set-up
# of the machine changes.
# Hyperscan is for x86; Vectorscan has the same header, library and pkg-config name where there is none.
case "$(dpkg --print-architecture 2>/dev/null)" in
  amd64 | i386 | "") hyperscan_package=libhyperscan-dev ;;
  *) hyperscan_package=libvectorscan-dev ;;
esac
build_packages="clang-19 lld-19 llvm-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev cmake ninja-build ccache pkg-config
  git python3 liburing-dev libssl-dev libmimalloc-dev libjemalloc-dev libc-ares-dev libldns-dev libtomlplusplus-dev libcli11-dev
  libfmt-dev libsimdjson-dev libsqlite3-dev libcrypt-dev libidn2-dev libicu-dev libhwloc-dev libgtest-dev libgmock-dev libdw-dev libboost-dev
  libbenchmark-dev zlib1g-dev $hyperscan_package libpcre2-dev libfuse3-dev
  libpam0g-dev libargon2-dev libcurl4-openssl-dev"
test_packages="gsasl isync interimap offlineimap3 fetchmail getmail6 mutt
  libmail-imaptalk-perl libsasl2-modules curl openssl swaks libnet-ssleay-perl msmtp sqlite3 shellcheck zstd e2fsprogs util-linux mount patch xfsprogs"

missing_packages() {
  local package
  for package in $build_packages $test_packages; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || printf '%s ' "$package"
  done
}

need_packages() {
  local missing
  missing=$(missing_packages)
  [ -z "$missing" ] && return
  [ "$(id -u)" = 0 ] || die "these packages are missing; as root: apt-get install $missing"
  say "installing $missing"
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
