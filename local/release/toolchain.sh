#!/bin/sh
# Prints the folder with the rustc and cargo of every release (toolchain.txt). If they are missing, unpacks them first.
# Another compiler, for example from rustup, would build other bytes. build.sh and arm64.sh run it.
set -eu
cd "$(dirname "$0")/../.."
folder=$(pwd)/target/debian/rust
sh local/release/debian.sh local/release/toolchain.txt "$folder"

libraries=$folder/usr/lib/$(uname -m)-linux-gnu
mkdir -p "$folder/bin"
for tool in cargo rustc rustdoc; do
    cat >"$folder/bin/$tool" <<END
#!/bin/sh
LD_LIBRARY_PATH=$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH} exec $folder/usr/bin/$tool "\$@"
END
    chmod +x "$folder/bin/$tool"
done
for tool in cargo rustc; do
    "$folder/bin/$tool" --version >/dev/null || {
        echo "error: $folder/bin/$tool does not start (see above).
Install the missing library with apt, or build on Debian 12." >&2
        exit 1
    }
done
echo "$folder/bin"
