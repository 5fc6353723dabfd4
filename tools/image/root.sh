#!/usr/bin/env bash
# Makes a root file system of what `make install DESTDIR=ROOT PREFIX=/usr` put there: adds the shared libraries that the program needs, the
# CA bundle, and the few files of /etc that the C library reads. Run by the Dockerfile.
#
#   tools/image/root.sh ROOT
set -euo pipefail
root=${1:?usage: root.sh ROOT}
program=$root/usr/bin/k8sgpt-operator

# Where the loader found them, the loader too.
ldd "$program" | grep -o '/[^ ]*' | sort -u | while read -r library; do cp -L --parents "$library" "$root"; done
cp -L --parents /etc/ssl/certs/ca-certificates.crt "$root"
find "$root" -type f \( -name '*.so*' -o -path "$program" \) -exec strip --strip-unneeded {} +

# Without nsswitch.conf the C library looks into DNS before /etc/hosts.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' >"$root/etc/passwd"
echo 'nonroot:x:65532:' >"$root/etc/group"

# Manifests of the upstream operator start this.
ln -s usr/bin/k8sgpt-operator "$root/manager"
