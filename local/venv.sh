#!/bin/sh
# Creates a virtual environment and installs lists of packages. The Makefile runs it. It looks for a Python that is new
# enough, and its errors say what to do, which pip's do not.
#
#     sh local/venv.sh FOLDER "PIP'S ARGUMENTS"...
set -eu
cd "$(dirname "$0")/.."

OLDEST='3, 10' # ministack and boto3 need it; macOS's own python3 may be older

fail() {
    printf '\nerror: %s\n' "$1" >&2
    exit 1
}

# the user's PYTHON, or the first that is new enough
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
    if "$candidate" -c "import sys; sys.exit(sys.version_info < ($OLDEST))" >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
[ -n "${python:-}" ] || fail "cannot find Python $(echo "$OLDEST" | tr -d ' ' | tr , .) or newer (tried: ${PYTHON:-python3 and python3.10 to python3.14}).
Install one, or name one: make demo PYTHON=/path/to/python3"

folder=$1
shift
echo "==> installing Python tools into $folder (a minute or less, once)"
rm -rf "$folder"
"$python" -m venv "$folder" || fail "$python cannot create a virtual environment.
On Debian and Ubuntu run \`apt install python3-venv\`."
for list in "$@"; do
    # shellcheck disable=SC2086 # an option and a file are separate words
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check $list || fail "pip cannot install $list (see above).
Check the network and pip's index, then try again."
done
touch "$folder/stamp" # make compares its date with those of the lists
