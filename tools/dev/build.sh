# shellcheck shell=bash
dev_build() { build_preset "${1:-release}" "${@:2}"; }
