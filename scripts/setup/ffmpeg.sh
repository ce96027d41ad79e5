#!/bin/sh
# ffmpeg and ffprobe: those of TRAWL_FFMPEG and TRAWL_FFPROBE, else those on PATH, else the system's package.
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$checkout/scripts/setup/lib.sh"

missing=
for tool in "${TRAWL_FFMPEG:-ffmpeg}" "${TRAWL_FFPROBE:-ffprobe}"; do
  have "$tool" || missing="${missing:+$missing, }$tool"
done
[ -n "$missing" ] || exit 0

if [ -n "${TRAWL_FFMPEG:-}${TRAWL_FFPROBE:-}" ]; then
  by_hand "cannot run $missing" "correct TRAWL_FFMPEG and TRAWL_FFPROBE, or unset both"
  exit 1
fi
if ! have apt-get || ! can_be_root; then
  by_hand "missing: $missing; without apt-get and root (or sudo) nothing can be installed here" \
    "install ffmpeg, for example 'sudo apt-get install --no-install-recommends ffmpeg', or set TRAWL_FFMPEG and TRAWL_FFPROBE"
  exit 1
fi

update() {
  say "refreshing the package lists with apt-get update: ffmpeg is not in them, or they are old"
  run_logged apt as_root apt-get update
}
install() {
  run_logged apt as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg
}

apt-cache show ffmpeg >/dev/null 2>&1 || update || true
say "installing ffmpeg with apt-get; missing: $missing"
# A second try with fresh lists: old ones name package files that the mirror no longer has.
if ! { install || { update && install; }; } || ! have ffmpeg || ! have ffprobe; then
  by_hand "apt-get could not install ffmpeg (above)" "install ffmpeg, or set TRAWL_FFMPEG and TRAWL_FFPROBE"
  exit 1
fi
