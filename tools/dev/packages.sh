# shellcheck shell=bash
dev_packages() { need_packages; say "all packages are there"; }
