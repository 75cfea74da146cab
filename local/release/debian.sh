#!/bin/sh
# Unpacks Debian packages into a folder of the project, because a build needs the standard library of two architectures
# and must not install anything in the system. toolchain.sh and arm64.sh run it. It uses the system's apt sources and
# keys, but its own package index, which has both architectures.
#
#     sh local/release/debian.sh LIST FOLDER     (a line of LIST is a package[:architecture][=version])
set -eu
list=$1 folder=$2

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

packages=$(sed 's/ *#.*//' "$list" | grep .)
[ "$packages" != "$(cat "$folder/packages" 2>/dev/null)" ] || exit 0
for tool in apt-get apt-cache dpkg; do
    command -v "$tool" >/dev/null || fail "$tool is not on the PATH, but $list names Debian packages.
Run this on Debian 12, or in a container with Debian 12."
done

mkdir -p "$(dirname "$folder")/apt"
apt=$(cd "$(dirname "$folder")/apt" && pwd)
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
# apt reads this file after the system's settings. It clears the hooks, which notify the desktop and clean apt's cache.
cat >"$apt/apt.conf" <<END
#clear APT::Architectures;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
END

echo "==> unpacking Debian packages into $folder (half a minute, once)" >&2
# apt-get update exits with 0 even if it cannot reach a source
apt-get --config-file "$apt/apt.conf" --quiet --quiet update >"$apt/update.log" 2>&1 || cat "$apt/update.log" >&2
for package in $packages; do
    apt-cache --config-file "$apt/apt.conf" show "$package" >/dev/null 2>&1 && continue
    name=${package%%=*}
    versions=$(apt-cache --config-file "$apt/apt.conf" madison "$name" 2>/dev/null | cut -d'|' -f2 | tr -d '\n')
    [ -n "$versions" ] || fail "apt has no package $name. apt-get update said: $(cat "$apt/update.log")
Check the network and apt's sources: they must be those of Debian 12, with its security suite."
    fail "apt no longer has $package. It has:$versions
Put one of these versions into $list, the same version for all packages of one source. To build a release that used the
earlier version, add Debian's snapshot archive to apt's sources."
done

rm -rf "$folder.new"
mkdir -p "$folder.new/debs"
# shellcheck disable=SC2086 # packages are separate words
(cd "$folder.new/debs" && apt-get --config-file "$apt/apt.conf" --quiet --quiet download $packages) ||
    fail "apt-get cannot download the packages of $list (see above). Check the network, then try again."
for deb in "$folder.new"/debs/*.deb; do
    dpkg -x "$deb" "$folder.new" ||
        fail "dpkg cannot unpack $deb (see above). Check the free disk space, then try again."
done
rm -rf "$folder.new/debs" "$folder"
echo "$packages" >"$folder.new/packages"
mv "$folder.new" "$folder"
