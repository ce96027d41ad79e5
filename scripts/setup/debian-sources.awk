# Finds the Debian archive among the machine's own apt sources and writes each entry found as a source file `OUT/<n>.sources`
# with the suite left open (`@SUITE@`). Reads one-line files (*.list) and deb822 files (*.sources); keeps the options that say
# whom to trust. Whether an entry really is Debian is proved later, by the Origin of its signed Release file; here we only avoid
# asking third parties: the entry must name a Debian suite exactly and the component main.

function is_archive(uri, suites, components) {
  return uri ~ /^(https?|ftp|file|tor\+https?|mirror(\+[a-z]+)?):/ && uri !~ /security/ &&
    (" " suites " ") ~ (" (" release "|stable|oldstable|testing|unstable|sid)/? ") && (" " components " ") ~ / main /
}

function emit(uri, kept,    file) {
  if (uri in seen) return
  seen[uri] = 1
  file = OUT "/" ++count ".sources"
  printf "Types: deb\nURIs: %s\nSuites: @SUITE@\nComponents: main\n%s", uri, kept > file
  close(file)
}

# deb [signed-by=/path trusted=yes] URI suite component...
function one_line(line,    kept, options, parts, n, i, pair, uri, suite) {
  sub(/#.*/, "", line)
  if (line !~ /^[ \t]*deb[ \t]/) return
  sub(/^[ \t]*deb[ \t]+/, "", line)
  if (match(line, /^\[[^]]*\]/)) {
    options = substr(line, 2, RLENGTH - 2)
    line = substr(line, RLENGTH + 1)
    n = split(options, parts, /[ \t]+/)
    for (i = 1; i <= n; i++) {
      split(parts[i], pair, "=")
      if (tolower(pair[1]) ~ KEPT) kept = kept pair[1] ": " pair[2] "\n"
    }
  }
  sub(/^[ \t]+/, "", line)
  n = split(line, parts, /[ \t]+/)
  uri = parts[1]; suite = parts[2]
  line = ""
  for (i = 3; i <= n; i++) line = line " " parts[i]
  if (is_archive(uri, suite, line)) emit(uri, kept)
}

function flush_stanza(    uris, n, i) {
  if ((" " field["types"] " ") ~ / deb / && tolower(field["enabled"]) !~ /no|false|off|0/) {
    n = split(field["uris"], uris, /[ \t]+/)
    for (i = 1; i <= n; i++) if (is_archive(uris[i], field["suites"], field["components"])) emit(uris[i], kept_fields)
  }
  for (i in field) delete field[i]
  name = ""; kept_fields = ""
}

function deb822(line,    value) {
  if (line ~ /^#/) return
  if (line ~ /^[ \t]*$/) { flush_stanza(); return }
  if (line ~ /^[ \t]/) { # a continuation: more URIs, or the armoured lines of a key
    field[name] = field[name] " " line
    if (name ~ KEPT) kept_fields = kept_fields line "\n"
    return
  }
  name = tolower(substr(line, 1, index(line, ":") - 1))
  value = substr(line, index(line, ":") + 1)
  sub(/^[ \t]+/, "", value); sub(/[ \t]+$/, "", value)
  field[name] = value
  if (name ~ KEPT) kept_fields = kept_fields line "\n"
}

BEGIN { KEPT = "^(signed-by|trusted|check-valid-until|check-date|allow-insecure)$" }
FNR == 1 && previous ~ /\.sources$/ { flush_stanza() }
FNR == 1 { previous = FILENAME }
FILENAME ~ /\.sources$/ { deb822($0); next }
{ one_line($0) }
END { if (previous ~ /\.sources$/) flush_stanza() }
