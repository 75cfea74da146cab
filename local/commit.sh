#!/bin/sh
# Prints this folder's commit, which every build and deployment names: nine hex digits, with -dirty after a change, or
# no-commit. `git archive`, and so a download of the source, writes the commit into this file (.gitattributes), because
# such a folder has no history. The Makefile and the other scripts run it.
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
    # a copy of the source inside another repository does not have that repository's commit
    [ "$(git rev-parse --show-toplevel)" = "$(pwd -P)" ] || { echo no-commit; exit 0; }
    changes=$(git status --porcelain)
    ;;
esac
printf '%.9s%s\n' "$commit" "${changes:+-dirty}"
