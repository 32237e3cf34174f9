"""Engines of a test's own beside those of a demo world (world.py): other settings, another way to
the database, an environment, a limit. Ended here. Python 3, nothing else."""
import atexit, json, os, re, resource, select, signal, socket, subprocess, threading, time


def children(pid):
    """Of one process, all the way down: only what it started."""
    out = []
    for p in [pid]:
        try:
            kids = open("/proc/%d/task/%d/children" % (p, p)).read().split()
        except OSError:
            kids = []
        for k in kids:
            out += [int(k)] + children(int(k))
    return out


def world_engines(w):
    """{id: pid} of the engines that the world started."""
    found = {}
    for pid in children(w.process.pid):
        try:
            args = open("/proc/%d/cmdline" % pid).read().split("\0")
        except OSError:
            continue
        if "engine" in args and "--id" in args:
            found[args[args.index("--id") + 1]] = pid
    return found


def setting(w, name):
    return re.search(r'^%s: "?([^"\n]*)' % re.escape(name), open(w.engine_config).read(), re.M).group(1)


def socket_dir(w):
    return re.search(r"host=([^&]*)", setting(w, "database")).group(1).replace("%2F", "/")


class Engine:
    def __init__(self, w, name, speed=20, database=None, settings="", env=None, binary=None, fsize=None,
                 demo=True):
        self.w, self.name = w, name
        self.dir = os.path.join(w.dir, name)
        os.makedirs(self.dir)
        self.config = os.path.join(self.dir, "engine.yaml")
        text = open(w.engine_config).read()
        text = re.sub(r"^stateDir:.*$", 'stateDir: "%s/state"' % self.dir, text, flags=re.M)
        if database:
            text = re.sub(r"^database:.*$", 'database: "%s"' % database, text, flags=re.M)
        open(self.config, "w").write(text + settings)
        os.chmod(self.config, 0o600)
        self.port_file = os.path.join(self.dir, "port")
        self.log_file = os.path.join(self.dir, "log")
        e = {k: v for k, v in os.environ.items() if not k.startswith("RINGDOWN_")}
        e.setdefault("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0")
        e.update(env or {})
        limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (fsize, fsize))) if fsize else None
        # its log goes through a pipe: a limit of file sizes is not to hit that
        self.process = subprocess.Popen([binary or w.binary, "--config", self.config, "engine",
                                         *(["--demo"] if demo else []), "--id", name, "--port-file", self.port_file, "--speed", str(speed)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, env=e, preexec_fn=limit)
        threading.Thread(target=self._copy, daemon=True).start()
        atexit.register(self.stop)
        w.wait("%s serves" % name, lambda: os.path.exists(self.port_file) or self.process.poll() is not None, 60)
        self.api = "http://127.0.0.1:%s" % open(self.port_file).read().strip()

    def _copy(self):
        with open(self.log_file, "wb", buffering=0) as f:
            for line in self.process.stderr:
                f.write(line)

    def log(self):
        return open(self.log_file, errors="replace").read()

    def get(self, path, timeout=5):
        try:
            code, _, text = self.w.http("GET", path, token=self.w.viewer, base=self.api, timeout=timeout)
            return json.loads(text) if code == 200 else None
        except (OSError, ValueError):
            return None

    def leads(self):
        doc = self.get("/api/v1/snapshot")
        return bool(doc) and doc.get("leader") == self.name

    def signal(self, n):
        if self.process.poll() is None:
            self.process.send_signal(n)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def rss_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", open("/proc/%d/status" % self.process.pid).read()).group(1))


class Wire:
    """A way to the world's PostgreSQL that can be cut: TCP here, its socket there. While cut nothing
    passes and nobody is told, as with a dropped packet."""

    def __init__(self, path):
        self.path, self.cut = path, False
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            a, _ = self.listener.accept()
            threading.Thread(target=self._carry, args=(a,), daemon=True).start()

    def _carry(self, a):
        while self.cut:
            time.sleep(0.05)
        b = socket.socket(socket.AF_UNIX)
        try:
            b.connect(self.path)
            pair = {a: b, b: a}
            while True:
                if self.cut:
                    time.sleep(0.05)
                    continue
                for s in select.select(list(pair), [], [], 0.2)[0]:
                    if self.cut:
                        break
                    data = s.recv(65536)
                    if not data:
                        return
                    pair[s].sendall(data)
        except OSError:
            pass
        finally:
            a.close()
            b.close()
