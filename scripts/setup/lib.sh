# Shared by the set-up pieces. Sourced with `checkout` already set to the root of the clone; POSIX sh only (Debian's is dash).
# Lines go to stderr, so that a command's own stdout (`--json`) stays clean. This file is sourced: it must not exit.

say() {
  printf 'set-up: %s\n' "$*" >&2
}

# Says what a person has to do, in one place for every piece; the caller exits 1.
by_hand() {
  printf 'set-up: cannot go on: %s\n' "$1" >&2
  printf '        by hand: %s\n' "$2" >&2
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# run_logged NAME COMMAND...: quiet on success; on failure shows the end of what the command said.
run_logged() {
  log="$checkout/.trawl/setup-$1.log"
  shift
  mkdir -p "$checkout/.trawl"
  if "$@" >"$log" 2>&1 </dev/null; then
    rm -f "$log"
    return 0
  fi
  tail -n 15 "$log" | sed 's/^/        | /' >&2
  return 1
}

# Dotted numbers, compared part by part: `version_at_least 2026.10.26 2026.07.04`. Pre-release suffixes do not occur in what we compare.
version_at_least() {
  awk -v have="$1" -v want="$2" 'BEGIN {
    n = split(have, h, "."); m = split(want, w, ".")
    if (have !~ /^[0-9]+(\.[0-9]+)*$/) exit 1
    for (i = 1; i <= (n > m ? n : m); i++) {
      if (h[i] + 0 > w[i] + 0) exit 0
      if (h[i] + 0 < w[i] + 0) exit 1
    }
  }'
}

# as_root COMMAND...: directly, or by a sudo that cannot stop to ask when nobody is there to answer (CI, no terminal).
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif [ -t 2 ] && [ -z "${CI:-}" ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

can_be_root() {
  [ "$(id -u)" -eq 0 ] && return 0
  have sudo || return 1
  { [ -t 2 ] && [ -z "${CI:-}" ]; } || sudo -n true 2>/dev/null
}
