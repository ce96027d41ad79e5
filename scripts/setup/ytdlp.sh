#!/bin/sh
# A current yt-dlp, from Debian's newest suite, unpacked into .trawl/tools and nowhere else:
#
#   sh scripts/setup/ytdlp.sh [--force] [DIR]      DIR defaults to the clone's .trawl/tools; --force fetches the newest again
#
# Released Debian's own yt-dlp is years old, and mixing a newer suite into the machine's apt would change the machine. So apt runs
# on a private root (own lists, cache, state, and one source derived from the machine's mirror), which needs no root user. The
# package's Python dependencies are all optional at run time; mutagen alone earns its place (cover art in Opus, Ogg and FLAC).
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$checkout/scripts/setup/lib.sh"

force=
if [ "${1:-}" = --force ]; then force=1; shift; fi
tools=${1:-$checkout/.trawl/tools}
minimum=${TRAWL_YTDLP_MIN:-2026.07.04}
hint="install yt-dlp $minimum or newer and set TRAWL_YTDLP to it"

# How this tree runs: as worker nodes do it, by TRAWL_PYTHON, else the script's own interpreter, else the first that imports it.
run_tree() {
  tree=$1
  shift
  modules=$tree/usr/lib/python3/dist-packages
  own=$(sed -n '1s/^#! *//p' "$tree/usr/bin/yt-dlp")
  for python in ${TRAWL_PYTHON:-"$own" python3.14 python3.13 python3.12 python3.11 python3.10}; do
    have "$python" || continue
    # A pyenv shim exists for each version it knows and fails for those not selected: trying is the only test.
    PYTHONPATH=$modules "$python" -c 'import yt_dlp.version' 2>/dev/null || continue
    PYTHONPATH=$modules "$python" "$tree/usr/bin/yt-dlp" --ignore-config "$@" 2>/dev/null
    return
  done
  return 1
}

# Starting yt-dlp costs half a second: its answer is kept beside the name, size and time of the file that gave it.
on_path() {
  found=$(command -v yt-dlp) || return 1
  key=$(stat -Lc '%n %s %Y' "$found")
  memo=$checkout/.trawl/ytdlp-on-path
  if ! { [ -f "$memo" ] && [ "$(sed -n 1p "$memo")" = "$key" ]; }; then
    mkdir -p "$checkout/.trawl"
    printf '%s\n%s\n' "$key" "$(yt-dlp --ignore-config --version 2>/dev/null || echo none)" >"$memo"
  fi
  version_at_least "$(sed -n 2p "$memo")" "$minimum"
}

in_tools() {
  [ -f "$tools/usr/bin/yt-dlp" ] && [ -f "$tools/version" ] && version_at_least "$(cat "$tools/version")" "$minimum"
}

if [ -z "$force" ]; then
  if [ -n "${TRAWL_YTDLP:-}" ]; then
    have "$TRAWL_YTDLP" && exit 0
    by_hand "TRAWL_YTDLP=$TRAWL_YTDLP cannot be run" "correct it, or unset it"
    exit 1
  fi
  if in_tools || on_path; then exit 0; fi
fi

if ! have apt-get || ! have dpkg-deb; then
  by_hand "there is no current yt-dlp and no apt-get to fetch one" "$hint"
  exit 1
fi
why="there is none of $minimum or newer"
[ -z "$force" ] || why="a refresh was asked for"
say "fetching yt-dlp into ${tools#"$checkout"/} by a private apt root: $why"

root=$(mktemp -d "${TMPDIR:-/tmp}/trawl-apt.XXXXXX")
fresh=
trap 'rm -rf "$root" ${fresh:+"$fresh"}' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" "$root/found" "$root/debs" "$root/empty"
# As root, apt downloads as the user _apt, who must be able to enter and to write here.
chmod 755 "$root"
if [ "$(id -u)" -eq 0 ] && id _apt >/dev/null 2>&1; then chown _apt "$root/debs"; fi

# The machine's own settings (proxy, certificates) stay; its hooks, pins and extra indexes do not.
cat >"$root/apt.conf" <<CONF
Dir::State "$root/state";
Dir::Cache "$root/cache";
Dir::Etc::sourcelist "$root/debian.sources";
Dir::Etc::sourceparts "$root/empty";
Dir::Etc::preferences "$root/no-preferences";
Dir::Etc::preferencesparts "$root/empty";
APT::Default-Release "";
Acquire::Languages "none";
Acquire::Retries "2";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages { MetaKey "\$(COMPONENT)/binary-\$(ARCHITECTURE)/Packages"; ShortDescription "Packages"; };
CONF

release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
sources=
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
  [ -r "$file" ] && sources="$sources $file"
done
# shellcheck disable=SC2086 # apt ignores files whose names hold blanks, so none of these do
[ -z "$sources" ] || awk -v OUT="$root/found" -v release="${release:-stable}" -f "$checkout/scripts/setup/debian-sources.awk" $sources

apt() {
  command=$1
  shift
  "$command" -c "$root/apt.conf" "$@"
}

# Prints the version that a suite of a source offers, if the source is Debian's own archive (proved by its signed Release file).
offered() {
  sed "s/@SUITE@/$2/" "$1" >"$root/debian.sources"
  run_logged ytdlp apt apt-get -q update 2>/dev/null || return 0
  apt apt-get indextargets --format '$(ORIGIN)' | grep -qx Debian || return 0
  apt apt-cache show --no-all-versions yt-dlp 2>/dev/null | sed -n 's/^Version: \(.*:\)\{0,1\}\([0-9.]*\).*/\2/p' | head -n 1
}

choose() {
  best=none
  for suite in sid testing stable-backports; do
    for source in "$root"/found/*.sources; do
      [ -f "$source" ] || continue
      best=$(offered "$source" "$suite")
      version_at_least "${best:-none}" "$minimum" && return 0
    done
  done
  return 1
}

if ! choose; then
  by_hand "no Debian archive among this machine's apt sources offers yt-dlp $minimum or newer" "$hint"
  exit 1
fi
(cd "$root/debs" && run_logged ytdlp apt apt-get -q download yt-dlp) || {
  by_hand "apt-get could not download yt-dlp (above)" "$hint"
  exit 1
}
(cd "$root/debs" && apt apt-get -q download python3-mutagen) >/dev/null 2>&1 || say "going on without mutagen (cover art in Opus, Ogg, FLAC)"

mkdir -p "$(dirname -- "$tools")"
fresh=$(mktemp -d "$tools.XXXXXX")
chmod 755 "$fresh"
for deb in "$root"/debs/*.deb; do dpkg-deb -x "$deb" "$fresh"; done

version=$(run_tree "$fresh" --version) || version=none
if ! version_at_least "$version" "$minimum"; then
  by_hand "the yt-dlp from Debian does not run with any Python here" "install Python 3.10 or newer, or set TRAWL_PYTHON to one"
  exit 1
fi
echo "$version" >"$fresh/version"

# Two renames: whoever starts yt-dlp finds the old tree or the new one, but for the instant between them.
old=
if [ -e "$tools" ]; then
  old=$(mktemp -d "$tools.old.XXXXXX")
  mv "$tools" "$old/"
fi
mv "$fresh" "$tools"
fresh=
[ -z "$old" ] || rm -rf "$old"
say "yt-dlp $version is in ${tools#"$checkout"/}"
