#!/bin/sh
# Called by every npm script, straight after the clone too: installs what is missing and changes nothing else on the machine.
#
#   packages and Node 24   npm ci                          setup/node.sh
#   ffmpeg, ffprobe        apt-get, if missing             setup/ffmpeg.sh
#   a current yt-dlp       private apt root, .trawl/tools  setup/ytdlp.sh
#
# Each piece is quiet when there is nothing to do, says in one line what it installs and why, and says what to install by hand
# where it cannot. Exit 1 if anything is still missing.
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# Two set-ups at once (npm start in one terminal, npm test in another) take turns. -o: children that outlive us do not hold it.
if [ "${1:-}" != --locked ] && command -v flock >/dev/null 2>&1; then
  mkdir -p "$checkout/.trawl"
  lock=$checkout/.trawl/setup.lock
  flock -n "$lock" true || echo "set-up: waiting for another set-up of this clone to finish" >&2
  exec flock -o "$lock" sh "$0" --locked
fi

failed=0
for piece in node ffmpeg ytdlp; do
  sh "$checkout/scripts/setup/$piece.sh" || failed=1
done
exit "$failed"
