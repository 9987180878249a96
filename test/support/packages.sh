#!/usr/bin/env bash
# Installs the Debian packages that the tests use: real SSH programs and other clients of SSH, clients of
# databases, a browser, a second recorder and the full-screen programs that are recorded. Does nothing when all of them are there.
# PostgreSQL is not among them: the server comes from npm unless the machine has one.
set -euo pipefail

packages=(
  openssh-server openssh-client ssh-audit
  postgresql-client sqlite3
  chromium fonts-dejavu-core
  asciinema
  vim tmux less rsync git procps curl
  zsh fish dash busybox python3
  putty-tools dropbear-bin python3-paramiko python3-asyncssh lftp sshfs ansible-core
)

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "This script knows Debian only. Install what these packages hold: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Installing needs root and there is no sudo. As root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update --quiet
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --quiet --yes --no-install-recommends "${missing[@]}"
