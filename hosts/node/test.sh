#!/bin/sh
# test.sh: installs what package.json names into the build folder, then runs test_eep.js.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
modules=${BUILD:-build}/hosts/node
if ! cmp -s "$here/package.json" "$modules/.ok"; then
    mkdir -p "$modules"
    cp "$here/package.json" "$modules"
    # Not --prefix: npm would look for its own configuration there.
    (cd "$modules" && npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error)
    cp "$here/package.json" "$modules/.ok"
fi
NODE_PATH=$(cd "$modules" && pwd)/node_modules exec node "$here/test_eep.js"
