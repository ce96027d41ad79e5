#!/bin/sh
# Speaks enough of yt-dlp's command line to be found and asked: what it answers stands in FAKE_* files beside it.
for argument in "$@"; do
  case "$argument" in
    --version) echo "2026.08.01"; exit 0 ;;
    --help) echo "no such option"; exit 0 ;;
  esac
done
printf '%s\n' "$@" > arguments.txt
env > environment.txt
case "$*" in
  *fail*) echo "ERROR: [fake] x: Sign in to confirm you’re not a bot. Use --cookies" >&2; exit 1 ;;
  *garbage*) echo "this is no JSON"; exit 0 ;;
  *hang*) echo started >&2; exec sleep 1000 ;;
  *) echo '{"id":"a","title":"A","extractor_key":"Fake","formats":[{"format_id":"--exec=touch pwned","url":"http://127.0.0.1:1/x","ext":"mp4","vcodec":"avc1.4d401e","acodec":"mp4a.40.2","height":360,"width":640}]}' ;;
esac
