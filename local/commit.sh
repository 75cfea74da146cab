#!/bin/sh
# Prints this folder's commit for builds and deployments: nine hex digits, and -dirty if a file changed; or no-commit.
# A download of the source has no git history, so `git archive` writes the commit into this file (.gitattributes). The
# Makefile and other scripts run it.
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
    # a copy of the source inside another repository must not print that repository's commit
    [ "$(git rev-parse --show-toplevel)" = "$(pwd -P)" ] || { echo no-commit; exit 0; }
    changes=$(git status --porcelain)
    ;;
esac
printf '%.9s%s\n' "$commit" "${changes:+-dirty}"
