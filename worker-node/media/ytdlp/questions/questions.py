"""
Questions about yt-dlp, and to it, that no option of its command line answers. `ask.ts` is the other end: it runs this text in
a child of the warm host, or in an interpreter of its own, with the name of a file in the working directory as the argument.
The file holds the question as JSON; the answer is one JSON document on stdout.

  {"ask": "options"}                      every option that yt-dlp shows: flags, description, group
  {"ask": "parse", "args"}                what its own parser makes of the arguments
  {"ask": "archive_ids", "urls"}          what the address patterns of its extractors say; no network
  {"ask": "info", "url", "args", "own"}   one look at a URL with the user's arguments; "own" are the node's, and win

What "args" holds was written by a user. The edge has checked it by name. Here the parser itself knows no option that runs a
program, loads code, opens a file outside the job or goes past the egress guard, so that no spelling of one has a meaning
(some act while they are parsed); and a look takes of the parsed options only those of LOOK_KEYS.
"""
import json
import optparse
import re
import sys

# By long name; the short one goes with it.
CLOSED = (
    "alias", "batch-file", "bidi-workaround", "cache-dir", "client-certificate", "client-certificate-key",
    "client-certificate-password", "config-locations", "cookies", "cookies-from-browser", "downloader-args", "dump-pages",
    "enable-file-urls", "exec", "exec-before-download", "ffmpeg-location", "help", "hls-prefer-ffmpeg", "js-runtimes",
    "load-info-json", "load-pages", "netrc", "netrc-cmd", "netrc-location", "no-check-certificates", "plugin-dirs",
    "postprocessor-args", "preset-alias", "print-to-file", "print-traffic", "remote-components", "rm-cache-dir",
    "source-address", "update", "update-to", "use-postprocessor", "version", "write-desktop-link", "write-link", "write-pages",
    "write-url-link", "write-webloc-link", "xattr-set-filesize", "xattrs",
)
# Options that change what a look finds. The rest are of downloads, of files, of what is printed, or the node's own.
LOOK_KEYS = (
    "age_limit", "allow_multiple_audio_streams", "allow_multiple_video_streams", "allow_unplayable_formats",
    "allowed_extractors", "allsubtitles", "ap_mso", "ap_password", "ap_username", "compat_opts", "daterange", "default_search",
    "dynamic_mpd", "extractor_args", "extractor_retries", "force_generic_extractor", "format", "format_sort",
    "format_sort_force", "geo_bypass", "geo_bypass_country", "geo_bypass_ip_block", "getcomments", "hls_split_discontinuity",
    "http_headers", "impersonate", "lazy_playlist", "legacyserverconnect", "live_from_start", "match_filter", "matchtitle",
    "noplaylist", "password", "playlist_items", "playlistend", "playlistrandom", "playlistreverse", "playliststart",
    "prefer_free_formats", "prefer_insecure", "rejecttitle", "retries", "sleep_interval_requests", "subtitlesformat",
    "subtitleslangs", "twofactor", "username", "videopassword", "writeautomaticsub", "writesubtitles",
)
UNSAFE_COMPAT = {"allow-unsafe-ext"}
# The step that yt-dlp takes by itself.
DEFAULT_STEP = {"key": "FFmpegConcat", "only_multi_video": True, "when": "playlist"}
# Where a file lies on this machine.
PATH_KEYS = {"filepath", "filename", "_filename", "infojson_filename"}
MAX_LOG_LINES = 20


class Refused(Exception):
    """The parser's own complaint, for the user."""


def yt_dlp_version():
    from yt_dlp import version
    return version.__version__


def closed_parser(make):
    parser = make()
    for name in CLOSED:
        if parser.has_option("--" + name):
            parser.remove_option("--" + name)
    return parser


def complaint(error):
    """`Usage: … yt-dlp: error: no such option: --x` -> `No such option: --x`."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = re.sub(r"^\S+: error: ", "", lines[-1]) if lines else "invalid arguments"
    return text[:1].upper() + text[1:]


def parse(args):
    """A user's arguments: as they were given, and what yt-dlp makes of them (it fills in, and turns texts into functions)."""
    import yt_dlp
    from yt_dlp import options
    open_parser = options.create_parser
    options.create_parser = lambda: closed_parser(open_parser)
    try:
        given = options.parseOpts(args)[1]
        parsed = yt_dlp.parse_options(args)
    except optparse.OptParseError as error:
        raise Refused(complaint(error)) from None
    except SystemExit:
        raise Refused("Invalid arguments") from None
    finally:
        options.create_parser = open_parser
    if any(value != "native" for value in (parsed.options.external_downloader or {}).values()):
        raise Refused("No such option: --downloader")
    if UNSAFE_COMPAT & set(parsed.options.compat_opts):
        raise Refused("Invalid compat option: allow-unsafe-ext")
    return given, parsed.ydl_opts


def as_text(value):
    """For what JSON has no word for."""
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    name = getattr(value, "__qualname__", None)
    # A function's own text would hold an address of this process.
    if name is not None and " at 0x" in repr(value):
        return f"{value.__module__}.{name}"
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return as_text(value)


def answer_parse(question):
    import yt_dlp
    given, parsed = parse(question["args"])
    default = yt_dlp.parse_options([]).ydl_opts
    apart = {"outtmpl", "paths"}
    changed = {
        key: value for key, value in parsed.items()
        if key not in apart and not key.startswith("_") and value != default.get(key)
    }
    if "postprocessors" in changed:
        changed["postprocessors"] = [step for step in changed["postprocessors"] if step != DEFAULT_STEP]
    if "match_filter" in changed:
        filters = {"filters": given.match_filter, "breaking_filters": given.breaking_match_filter}
        changed["match_filter"] = {key: value for key, value in filters.items() if value}
    return {
        "version": yt_dlp_version(),
        "opts": plain(changed),
        "output_template": given.outtmpl.get("default"),
        "download_path": given.paths.get("home"),
        "format": given.format,
    }


def answer_options(_question):
    from yt_dlp import options
    parser = options.create_parser()
    found = []
    for group in [parser, *parser.option_groups]:
        for option in group.option_list:
            if option.help == optparse.SUPPRESS_HELP:
                continue
            found.append({
                "flags": [*option._short_opts, *option._long_opts],
                "description": parser.formatter.expand_default(option) if option.help else "",
                "group": getattr(group, "title", None) or "General Options",
            })
    return {"version": yt_dlp_version(), "options": found}


def archive_id_of(url):
    from yt_dlp.extractor import gen_extractor_classes
    from yt_dlp.utils import make_archive_id
    for extractor in gen_extractor_classes():
        if not extractor.suitable(url):
            continue
        key = extractor.ie_key()
        found = None if key == "Generic" else extractor.get_temp_id(url)
        if found is None:
            break
        return {"id": found, "ie_key": key, "archive_id": make_archive_id(extractor, found)}
    return {"id": None, "ie_key": None, "archive_id": None}


def answer_archive_ids(question):
    return {"ids": [archive_id_of(url) for url in question["urls"]]}


class Log:
    """What yt-dlp says, in the order in which it says it; the first lines are kept, and the last one."""

    def __init__(self):
        self.lines = []

    def debug(self, _message):
        pass

    def warning(self, message):
        self.error("WARNING: " + message)

    def error(self, message):
        self.lines[MAX_LOG_LINES - 1:] = [message]


def answer_info(question):
    import yt_dlp
    from yt_dlp.postprocessor.ffmpeg import FFmpegPostProcessor
    _, given = parse(question["args"])
    own = yt_dlp.parse_options(question["own"]).ydl_opts
    steps = [step for step in given["postprocessors"] if step["key"] == "MetadataParser"]
    log = Log()
    params = {
        **own,
        **{key: given[key] for key in LOOK_KEYS if key in given},
        "postprocessors": steps,
        "logger": log,
        # The entries of a list stay unopened; an item without formats is still an answer.
        "extract_flat": "in_playlist",
        "ignore_no_formats_error": True,
        "ignoreerrors": False,
        "simulate": True,
        "skip_download": True,
        "download_archive": None,
    }
    FFmpegPostProcessor._ffmpeg_location.set(own["ffmpeg_location"])
    # Without an ffmpeg its default would be the best single file; the media plan joins picture and sound by itself.
    params["format"] = params["format"] or "bestvideo*+bestaudio/best"
    with yt_dlp.YoutubeDL(params) as ydl:
        try:
            info = ydl.extract_info(question["url"], download=False)
        except (yt_dlp.utils.YoutubeDLError, yt_dlp.utils.DownloadCancelled) as error:
            if not log.lines:
                log.error("ERROR: " + str(error))
            info = None
        if info is None:
            return {"failed": log.lines}
        return {"info": without_paths(plain(ydl.sanitize_info(info)))}


def without_paths(info):
    return {key: value for key, value in info.items() if key not in PATH_KEYS and not key.startswith("__")}


ANSWERS = {"options": answer_options, "parse": answer_parse, "archive_ids": answer_archive_ids, "info": answer_info}


def main(argv):
    with open(argv[0], encoding="utf-8") as file:
        question = json.load(file)
    # yt-dlp must print nothing among the answer.
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        answer = ANSWERS[question["ask"]](question)
    except Refused as error:
        answer = {"refused": str(error), "version": yt_dlp_version()}
    # ASCII: bytes that are no text come as lone surrogates, which no UTF-8 has.
    out.write(json.dumps(answer))
    out.flush()
    return 0
