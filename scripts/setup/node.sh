#!/bin/sh
# Packages by `npm ci`, and with them Node 24 (an optional package whose binary is node_modules/.bin/node, first in the PATH of
# every npm script). A stamp with the hash of the lock file makes the second run free.
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$checkout/scripts/setup/lib.sh"
cd "$checkout"

MIN_NODE=22.18.0 # engines in package.json: the first version that runs TypeScript unbuilt
stamp=node_modules/.trawl-stamp
hash=$(sha256sum package-lock.json | cut -d' ' -f1)

# Under `npm run`, node_modules/.bin comes first: npm would run on the very Node that it is about to replace.
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/\.bin$' | paste -sd: -)
export PATH

installed() {
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ] && return 0
  # After a developer's own `npm install` the packages are right and only the stamp is old: do not install them again.
  [ -f node_modules/.package-lock.json ] || return 1
  node scripts/setup/matches-lock.mjs || return 1
  echo "$hash" >"$stamp"
}

if ! installed; then
  if ! have npm; then
    by_hand "npm is missing" "install Node.js 20 or newer with npm, then run this again"
    exit 1
  fi
  why="node_modules is missing"
  [ -d node_modules ] && why="node_modules is older than package-lock.json"
  say "installing packages and Node 24 with npm ci: $why (a minute or so)"
  # --include: NODE_ENV=production or an omit setting would leave out the tools that the scripts need.
  if ! run_logged npm npm ci --include=dev --include=optional --no-audit --no-fund --loglevel=error; then
    by_hand "npm ci failed (above)" "run 'npm ci' in $checkout, then run this again"
    exit 1
  fi
  echo "$hash" >"$stamp"
fi

# Where the optional package does not exist (another system or processor), the Node on PATH must do.
node=node
[ -x node_modules/.bin/node ] && node=node_modules/.bin/node
if [ "$node" = node ]; then
  version=$(node --version 2>/dev/null | sed 's/^v//') || version=none
  if ! version_at_least "$version" "$MIN_NODE"; then
    by_hand "Node $version is too old and there is no packaged one for this machine" "install Node.js $MIN_NODE or newer"
    exit 1
  fi
fi

# For `npx trawl` in the clone: npm links the commands of packages, not the clone's own, which is not built before it is needed.
ln -sfn ../../bin/trawl.ts node_modules/.bin/trawl
