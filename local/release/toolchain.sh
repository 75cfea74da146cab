#!/bin/sh
# Prints the folder that has rustc and cargo as every release is built with (toolchain.txt), and gets them first where
# they are missing. Exists because another compiler makes other bytes, and because rustup may not download anything.
#
#     sh local/release/toolchain.sh
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
        echo "error: $tool of $folder does not start (see above).
Install the library that it names with apt, or build on Debian 12." >&2
        exit 1
    }
done
echo "$folder/bin"
