"""
The warm yt-dlp host of a Trawl node: imports yt_dlp once, then forks a child for each request. `frames.ts` is the other end.

Requests are JSON lines on stdin: {"id", "argv", "program", "dir", "env", "user", "limits"} runs `yt-dlp argv…` in a child, or
`main(argv)` of the program (null: none) in its place, under that uid (null: the host's) and within those limits (names of
RLIMIT_*); {"drop": id} stops reading a child's output; {"retire": true} ends the host when its last child has gone. The end of
stdin ends everything at once.

Answers are frames on stdout: a JSON line, followed by so many raw bytes as its "bytes" says.
  {"event": "ready", "version", "file", "ejs"}     yt_dlp is imported
  {"event": "started", "id", "pid"}                the child leads a process group of its own
  {"event": "stdout" | "stderr", "id", "bytes"}    what the child wrote
  {"event": "exited", "id", "code", "signal", "peak_kib"}
  {"event": "closed", "id"}                        its streams have ended: nothing more will come
  {"event": "refused", "id", "reason"}             no child could be made

One thread, so that a fork copies no lock that another thread holds.
"""
import ctypes
import gc
import json
import os
import re
import resource
import selectors
import signal
import ssl
import sys
import tempfile

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
READ_BYTES = 65536
# A longer request line is no request of ours.
MAX_REQUEST_BYTES = 1024 * 1024
# Descriptors of a child above the three standard ones; a host with more than this has long been refusing to fork.
MAX_DESCRIPTOR = 65536
# The kernel, out of memory, should end the download and not the host of all downloads.
OOM_SCORE = "500"

OUT = os.dup(1)
TRUST = {}
# Whatever is printed in this process goes to stderr, never among the frames.
os.dup2(2, 1)
try:
    LIBC = ctypes.CDLL(None, use_errno=True)
    LIBC.prctl
except (OSError, AttributeError, TypeError):
    LIBC = None


def send(event, payload=b"", **fields):
    data = json.dumps({"event": event, **fields}).encode() + b"\n" + payload
    while data:
        data = data[os.write(OUT, data):]


def prctl(option, argument):
    return LIBC is not None and LIBC.prctl(option, argument, 0, 0, 0) == 0


def confine(user, limits):
    """What `setpriv` and `prlimit` do for a tool that is a program of its own. Raises when it cannot be done."""
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, "RLIMIT_" + name.upper()), (value, value))
    if user is not None:
        capability = 0
        while prctl(PR_CAPBSET_DROP, capability):
            capability += 1
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def die_with(parent):
    """SIGKILL when the parent dies; Linux only, elsewhere the end of stdin tells the host, which ends its children."""
    prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def import_more():
    for module in ("extractor.generic", "extractor.youtube", "downloader.http", "downloader.hls", "downloader.dash"):
        __import__("yt_dlp." + module)


def compile_patterns():
    from yt_dlp.extractor import gen_extractor_classes
    for extractor in gen_extractor_classes():
        extractor.suitable("https://example.com/video.mp4")


def tell_retry_after():
    """
    A site that limits us says for how long; yt-dlp keeps that to itself. Each refused request then leaves it on stderr, where
    the failure is read (`media/failures.ts`).
    """
    from yt_dlp.networking.exceptions import HTTPError
    plain = HTTPError.__init__

    def told(self, response, *args, **kwargs):
        plain(self, response, *args, **kwargs)
        wait = response.get_header("Retry-After") if response.status in (429, 503) else None
        if wait is not None and wait.strip().isdigit():
            print("Retry-After:", wait.strip(), file=sys.stderr)

    HTTPError.__init__ = told


def rehearse_item():
    import yt_dlp
    argv = ["--ignore-config", "--no-plugin-dirs", "--no-cache-dir", "--quiet", "--no-warnings", "--flat-playlist"]
    argv += ["--proxy", "", "--simulate", "--format", "b*/bv*/ba*", "--", "https://example.com/"]
    ydl = yt_dlp.YoutubeDL(yt_dlp.parse_options(argv).ydl_opts)
    ydl.process_ie_result({
        "id": "a", "title": "a", "extractor": "generic", "extractor_key": "Generic", "webpage_url": "https://example.com/a",
        "timestamp": yt_dlp.utils.unified_timestamp("Wed, 21 Oct 2015 07:28:00 GMT"),
        "formats": [{"url": "https://example.com/a.mp4", "ext": "mp4", "format_id": str(height), "height": height}
                    for height in (360, 720)],
    }, download=False)
    ydl.close()


def warm_up():
    """
    Does once what each child would do again: 1,750 address patterns (0.2 s), the generic extractor (0.06 s), the date and
    format patterns; the last is a rehearsal on a made-up item, without network. What another yt-dlp refuses stays cold.
    """
    for work in (import_more, tell_retry_after, compile_patterns, rehearse_item):
        try:
            work()
        except Exception:
            pass


def solver_scripts():
    """The version of yt-dlp-ejs, which the sites that need JavaScript need besides a runtime; None without it."""
    try:
        import yt_dlp_ejs
        return str(getattr(yt_dlp_ejs, "version", None) or getattr(yt_dlp_ejs, "__version__", "unknown"))
    except Exception:
        return None


def certificates(*files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file in files:
        context.load_verify_locations(cafile=file)
    return set(context.get_ca_certs(binary_form=True))


def trust_by_need():
    """
    OpenSSL parses the whole bundle of certificates for each context, 20 ms in each child. A folder with hashed names is read
    as needed. Where that folder has every certificate of the bundle, the bundle adds nothing, and children go without it.
    """
    try:
        paths = ssl.get_default_verify_paths()
        hashed = [name for name in os.listdir(paths.capath) if re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", name)]
        in_folder = certificates(*(os.path.join(paths.capath, name) for name in hashed))
        if certificates(paths.cafile) <= in_folder:
            return {paths.openssl_cafile_env: os.devnull}
    except Exception:
        pass
    return {}


def run_child(request, host, stdout, stderr):
    """In the child, and never back from it."""
    code = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.closerange(3, MAX_DESCRIPTOR)
        try:
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write(OOM_SCORE)
        except OSError:
            pass
        confine(request["user"], request["limits"])
        # After the uid: its change clears the death signal.
        die_with(host)
        os.environ.clear()
        os.environ.update({**TRUST, **request["env"]})
        os.chdir(request["dir"])
        tempfile.tempdir = None
        sys.argv = ["yt-dlp", *request["argv"]]
        gc.enable()
        code = run_main(main_of(request["program"]), request["argv"])
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        # Not sys.exit: the host's own clean-up is not the child's business.
        os._exit(code)


def main_of(program):
    if program is None:
        import yt_dlp
        return yt_dlp.main
    names = {"__name__": "program"}
    exec(compile(program, "program", "exec"), names)
    return names["main"]


def run_main(main, argv):
    try:
        main(argv)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        print(error.code, file=sys.stderr)
        return 1
    return 0


class Host:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.pid = os.getpid()
        self.children = {}  # pid -> id
        self.streams = {}  # id -> descriptors still open
        self.retiring = False
        self.pending = b""
        wake, ring = os.pipe()
        for descriptor in (wake, ring):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(wake, selectors.EVENT_READ, self.on_wake)
        self.selector.register(0, selectors.EVENT_READ, self.on_request)

    def run(self):
        while not (self.retiring and not self.children and not self.streams):
            for key, _ in self.selector.select():
                # Closed by an earlier event of the same round.
                if self.selector.get_map().get(key.fd) is not None:
                    key.data(key.fd)

    def on_wake(self, descriptor):
        try:
            os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            pass
        self.reap()

    def reap(self):
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended = self.children.get(pid)
            if ended is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            # What it wrote before its end comes before the news of it.
            self.drain(ended)
            send("exited", id=ended, code=code if code >= 0 else None,
                 signal=signal.Signals(-code).name if code < 0 else None,
                 peak_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            del self.children[pid]
            self.tell_closed(ended)

    def on_request(self, descriptor):
        chunk = os.read(descriptor, READ_BYTES)
        if not chunk:
            self.end_all()
        self.pending += chunk
        *lines, self.pending = self.pending.split(b"\n")
        if len(self.pending) > MAX_REQUEST_BYTES:
            self.end_all()
        for line in lines:
            request = json.loads(line)
            if "argv" in request:
                self.start(request)
            elif "drop" in request:
                for stream in list(self.streams.get(request["drop"], ())):
                    self.close(stream, request["drop"])
                self.tell_closed(request["drop"])
            elif request.get("retire"):
                self.retiring = True

    def end_all(self):
        for pid in self.children:
            try:
                os.killpg(pid, signal.SIGKILL)
            except OSError:
                pass
        os._exit(0)

    def start(self, request):
        pipes = []
        try:
            pipes = [*os.pipe(), *os.pipe()]
            pid = os.fork()
        except OSError as error:
            for descriptor in pipes:
                os.close(descriptor)
            send("refused", id=request["id"], reason=str(error))
            return
        out_read, out_write, err_read, err_write = pipes
        if pid == 0:
            run_child(request, self.pid, out_write, err_write)
        try:
            # By both sides, so that it is done before either goes on.
            os.setpgid(pid, pid)
        except OSError:
            pass
        os.close(out_write)
        os.close(err_write)
        self.children[pid] = request["id"]
        self.streams[request["id"]] = {out_read, err_read}
        send("started", id=request["id"], pid=pid)
        for descriptor, name in ((out_read, "stdout"), (err_read, "stderr")):
            os.set_blocking(descriptor, False)
            self.selector.register(descriptor, selectors.EVENT_READ, self.reader(request["id"], name))

    def reader(self, request, name):
        def on_output(descriptor):
            """True while there is more to read."""
            try:
                chunk = os.read(descriptor, READ_BYTES)
            except BlockingIOError:
                return False
            if chunk:
                send(name, chunk, id=request, bytes=len(chunk))
                return True
            self.close(descriptor, request)
            self.tell_closed(request)
            return False
        return on_output

    def drain(self, request):
        for descriptor in list(self.streams.get(request, ())):
            key = self.selector.get_key(descriptor)
            # Bounded by what a pipe holds: something that outlived the child may write for ever.
            for _ in range(16):
                if not key.data(descriptor):
                    break

    def close(self, descriptor, request):
        self.selector.unregister(descriptor)
        os.close(descriptor)
        self.streams[request].discard(descriptor)

    def tell_closed(self, request):
        """Once, when the child has been reaped and its streams are closed."""
        if request in self.streams and not self.streams[request] and request not in self.children.values():
            del self.streams[request]
            send("closed", id=request)


def serve():
    import yt_dlp
    warm_up()
    TRUST.update(trust_by_need())
    gc.collect()
    # Objects of before the fork stay out of the children's collections, which would copy each page that they touch.
    gc.freeze()
    send("ready", version=str(yt_dlp.version.__version__), file=os.path.abspath(yt_dlp.__file__), ejs=solver_scripts())
    Host().run()


serve()
