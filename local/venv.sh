#!/bin/sh
# Installs a dependency group of pyproject.toml into .venv (group dev) or .venv-GROUP, and checks the hash of each package.
# The Makefile runs it before each target that needs the group.
#
#     sh local/venv.sh GROUP
#     sh local/venv.sh --lock [OPTION...]    writes local/lock/*.txt again; the options are those of `uv pip compile`
set -eu
cd "$(dirname "$0")/.."

OLDEST=3.10 # ministack and boto3 need this version; macOS's own python3 may be older

fail() {
    printf '\nerror: %s\n' "$1" >&2
    exit 1
}

uv=.venv-uv/bin/uv
if ! .venv-uv/bin/python -c '' 2>/dev/null || ! grep -q "^uv==$("$uv" --version 2>/dev/null | cut -d' ' -f2) " local/lock/uv.txt; then
    # takes the user's PYTHON, or the first Python that is new enough
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info < ($(echo $OLDEST | tr . ,)))" >/dev/null 2>&1; then
            python=$candidate
            break
        fi
    done
    [ -n "${python:-}" ] || fail "cannot find Python $OLDEST or newer (tried: ${PYTHON:-python3 and python3.10 to python3.14}).
Install Python, or give a path to it: make demo PYTHON=/path/to/python3"
    rm -rf .venv-uv
    "$python" -m venv .venv-uv || fail "$python cannot create a virtual environment.
On Debian and Ubuntu run \`apt install python3-venv\`."
    .venv-uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r local/lock/uv.txt ||
        fail "pip cannot install uv (see above).
Check the network and pip's index, then try again."
fi
export UV_PYTHON_DOWNLOADS=never

# The example consumer's tests run in .venv, so group dev needs its packages. Only `uv pip install` needs the option -r.
requirements() { # GROUP [-r]
    echo "--group $1"
    [ "$1" != dev ] || echo "${2:-} examples/consumer/src/requirements.txt"
}

# uv does not read pip's settings.
use_settings_of_pip() {
    index=${PIP_INDEX_URL:-$(.venv-uv/bin/pip config get global.index-url 2>/dev/null || true)}
    certificates=${PIP_CERT:-$(.venv-uv/bin/pip config get global.cert 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    [ -z "$certificates" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificates}"
}

if [ "$1" = --lock ]; then
    shift
    use_settings_of_pip
    for lock in local/lock/*.txt; do
        # shellcheck disable=SC2046 # options and files are separate words
        "$uv" pip compile --quiet --universal --python-version "$OLDEST" --generate-hashes \
            --no-header --no-annotate $(requirements "$(basename "$lock" .txt)") --output-file "$lock" "$@" >/dev/null
    done
    exit
fi

group=$1
[ -f "local/lock/$group.txt" ] || fail "there is no local/lock/$group.txt. For a new group create an empty one, then run \`make lock\`"
folder=.venv
[ "$group" = dev ] || folder=.venv-$group
install() {
    # shellcheck disable=SC2046 # options and files are separate words
    "$uv" pip install --quiet --exact --python "$folder" --require-hashes --constraint "local/lock/$group.txt" \
        $(requirements "$group" -r) "$@"
}
install --offline 2>/dev/null && exit # all packages are installed now, without a network
echo "==> installing Python tools into $folder (a minute or less, once)"
[ -x "$folder/bin/python" ] || "$uv" venv --quiet --clear --python .venv-uv/bin/python "$folder"
use_settings_of_pip
install || fail "uv cannot install group $group (see above).
After a change of pyproject.toml, run \`make lock\`. Otherwise check the network, the index (UV_DEFAULT_INDEX, or pip's
index-url) and the root certificates (SSL_CERT_FILE), then try again."
