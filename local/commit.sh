#!/bin/sh
# Prints the commit of this folder: nine hex digits, with -dirty where a file was changed since, or no-commit. Exists so
# that every build and every deployment names its commit in the same words. git archive, and so a download of the
# source, writes the commit into this file (.gitattributes), because such a folder has no history.
#
#     sh local/commit.sh
set -eu
cd "$(dirname "$0")/.."
commit='$Format:%H$'
case $commit in
\$*)
    commit=$(git rev-parse --verify HEAD 2>&1) || {
        [ ! -e .git ] || echo "note: the build cannot name its commit: $commit" >&2
        echo no-commit
        exit 0
    }
    # a copy of the source below another repository is not that repository's commit
    [ "$(git rev-parse --show-toplevel)" = "$(pwd -P)" ] || { echo no-commit; exit 0; }
    changes=$(git status --porcelain)
    ;;
esac
printf '%.9s%s\n' "$commit" "${changes:+-dirty}"
