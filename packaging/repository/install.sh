#!/bin/sh
# Installs Bulkhead from this folder, without a network: adds it as a signed repository of the system's package manager and installs from
# it. What Bulkhead needs besides (Node.js, Python, PostgreSQL) comes from the system's own repositories.
#
#   sudo ./install.sh [PACKAGE...]        by default: bulkhead, which brings everything for one machine
set -eu

cd "$(dirname "$0")"
folder=$(pwd)

fail() {
    echo "error: $*" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail "this needs root: sudo $0"
case "$folder" in *[!A-Za-z0-9/._-]*) fail "package managers do not take the path $folder: move it to one of letters and digits" ;; esac
sha256sum --check --quiet SHA256SUMS || fail "a file is not what was shipped: copy the bundle again"
[ $# -gt 0 ] || set -- bulkhead

if command -v apt-get >/dev/null; then
    install -D -m 0644 bulkhead.gpg /usr/share/keyrings/bulkhead.gpg
    cat >/etc/apt/sources.list.d/bulkhead.sources <<END
Types: deb
URIs: file:$folder/apt
Suites: stable
Components: main
Architectures: amd64
Signed-By: /usr/share/keyrings/bulkhead.gpg
END
    # Only this one is read: the others may be out of reach, and what is known of them is enough.
    apt-get update -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/bulkhead.sources -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0
    DEBIAN_FRONTEND=noninteractive apt-get install -y "$@"
elif command -v dnf >/dev/null; then
    install -D -m 0644 bulkhead.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-bulkhead
    cat >/etc/yum.repos.d/bulkhead.repo <<END
[bulkhead]
name=Bulkhead
baseurl=file://$folder/dnf
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-bulkhead
END
    dnf install -y "$@"
else
    fail "there is neither apt-get nor dnf here"
fi
echo "installed: $*. Next: bulkheadctl setup --base-url https://..."
