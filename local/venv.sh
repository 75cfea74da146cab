#!/bin/sh
# Makes a virtual environment, with what the lists name. Exists because a fresh machine has Python 3 under
# many names and ages, and pip's own errors don't say what to do about it.
#
#     sh local/venv.sh FOLDER "PIP'S ARGUMENTS"...
set -eu
cd "$(dirname "$0")/.."

OLDEST='3, 10' # ministack and boto3 ask for it; macOS's own python3 may be older

fail() {
    printf '\nerror: %s\n' "$1" >&2
    exit 1
}

# the one that the user names, else the first that is new enough
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
    if "$candidate" -c "import sys; sys.exit(sys.version_info < ($OLDEST))" >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
[ -n "${python:-}" ] || fail "no Python of at least version $(echo "$OLDEST" | tr -d ' ' | tr , .) was found (tried: ${PYTHON:-python3 and python3.10 to python3.14}).
Install one and try again, or name one: make demo PYTHON=/path/to/python3"

folder=$1
shift
echo "==> Python tools into $folder (a minute or less, the first time only)"
rm -rf "$folder"
"$python" -m venv "$folder" || fail "$python can't make a virtual environment.
On Debian and Ubuntu: apt install python3-venv. Then try again."
for list in "$@"; do
    # shellcheck disable=SC2086 # two words are meant
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check $list || fail "pip could not install what local/*.txt list (see above).
Check the network and pip's index, then try again."
done
touch "$folder/stamp" # the Makefile compares it with the lists
