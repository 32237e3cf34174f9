"""A demo world for tests: real processes, started and ended here. Python 3, nothing else.

    w = World("degraded", speed=20)     # ready when it returns
    status, headers, body = w.http("GET", "/api/v1/me", token=w.viewer)
    rc, out, err = w.run("status", "--json")
"""
import atexit, json, os, re, shutil, signal, subprocess, sys, tempfile, time
import urllib.error, urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
# Deadlines are for a machine with nothing else to do. What comes ends a wait at once, so more of
# them costs nothing where all is well.
SLACK = float(os.environ.get("TEST_SLACK", "3"))
_n = 0
_failed = 0


def ok(good, name, detail=""):
    """One line of TAP; returns whether it was good."""
    global _n, _failed
    _n += 1
    print(("ok" if good else "not ok"), _n, name, flush=True)
    if not good:
        _failed += 1
        for line in str(detail)[:1500].splitlines():
            print("#", line, flush=True)
    return good


def finish():
    sys.exit(1 if _failed else 0)


class World:
    def __init__(self, scenario, speed=20, binary=None, agents=40, keep=False, lasts=None):
        plain = os.path.join(ROOT, "build", "ringdown")
        checked = plain + "-san"
        self.binary = binary or (checked if os.path.exists(checked) else plain)
        self.client = plain
        self.dir = tempfile.mkdtemp(prefix="ringdown-test-")
        atexit.register(self.tidy)      # after all that is registered later has ended
        self.file = os.path.join(self.dir, "world.yaml")
        self.log = open(os.path.join(self.dir, "demo.log"), "w")
        args = [self.binary, "demo", "--world", self.file, "--scenario", scenario,
                "--speed", str(speed), "--agents", str(agents)]
        if lasts:
            args += ["--lasts", lasts]
        env = dict(os.environ)
        env.setdefault("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0")
        self.process = subprocess.Popen(args + (["--keep"] if keep else []), stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL, env=env)
        atexit.register(self.stop)
        until = time.monotonic() + 60 * SLACK
        while not os.path.exists(self.file):
            if self.process.poll() is not None or time.monotonic() > until:
                print("not ok 1 the demo's world starts")
                print("#", open(self.log.name).read()[-1500:])
                sys.exit(1)
            time.sleep(0.05)
        text = open(self.file).read()
        get = lambda name: re.search(r'^(?:# )?%s: "?([^"\n]*)' % name, text, re.M).group(1)
        self.api = re.search(r'api: \["([^"]*)"', text).group(1)
        self.operator, self.admin, self.viewer = get("token"), get("another operator"), get("viewer")
        self.engine_config, self.simulator = get("engine"), get("simulator")
        self.world_dir = os.path.dirname(self.engine_config)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def tidy(self):
        """What its processes wrote is kept where something failed."""
        if not _failed:
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- commands ----

    def run(self, *args, token=None, stdin="", config=None, env=None, timeout=60):
        """The command line: (exit status, stdout, stderr)."""
        e = {k: v for k, v in os.environ.items() if not k.startswith("RINGDOWN_")}
        e.update(env or {})
        if token is not None:
            e["RINGDOWN_TOKEN"] = token
        p = subprocess.run([self.client, "--config", config or self.file, *args], input=stdin,
                           capture_output=True, text=True, timeout=timeout * SLACK, env=e, cwd=self.dir)
        return p.returncode, p.stdout, p.stderr

    def json(self, *args, **kw):
        rc, out, err = self.run(*args, "--json", **kw)
        try:
            return rc, json.loads(out) if out.strip() else None
        except ValueError:
            return rc, {"notJson": out, "stderr": err}

    # ---- HTTP ----

    def http(self, method, path, body=None, token=None, headers=None, timeout=30, base=None):
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        r = urllib.request.Request((base or self.api) + path, data=data, method=method)
        if data is not None:
            r.add_header("Content-Type", "application/json")
        if token:
            r.add_header("Authorization", "Bearer " + token)
        for k, v in (headers or {}).items():
            r.add_header(k, v)
        try:
            with urllib.request.urlopen(r, timeout=timeout * SLACK) as f:
                return f.status, dict(f.headers), f.read()
        except urllib.error.HTTPError as e:
            return e.code, dict(e.headers), e.read()

    def sim(self, method, path, body=None):
        status, _, text = self.http(method, "/_sim" + path, body, base=self.simulator)
        return json.loads(text) if text else None

    # ---- waiting: what engines, consoles and the simulator do by themselves is never asked for once ----

    def wait(self, what, holds, seconds=60):
        """holds() until it is true; its value, or None after telling."""
        until = time.monotonic() + seconds * SLACK
        while time.monotonic() < until:
            got = holds()
            if got:
                return got
            time.sleep(0.1)
        ok(False, "waited %d s: %s" % (seconds * SLACK, what))
        return None

    def comes(self, name, look, holds=bool, seconds=60, never=lambda got: False):
        """A check of what comes by itself: look() until it holds, or never will. What was seen last is
        returned, and shown if it did not hold."""
        until = time.monotonic() + seconds * SLACK
        got = look()
        while not holds(got) and not never(got) and time.monotonic() < until:
            time.sleep(0.1)
            got = look()
        ok(holds(got), name, got)
        return got

    def event(self, status=None, seconds=60, id=None):
        """The event (the newest unless one is named), once it has the status (or one of several)."""
        want = status.split(",") if status else None

        def look():
            code, _, text = self.http("GET", "/api/admin/twilio-failover/events" + ("/" + id if id else "?limit=1"), token=self.viewer)
            doc = json.loads(text) if code == 200 else {}
            rows = [doc] if id and doc else doc.get("events", [])
            return rows[0] if rows and (not want or rows[0]["status"] in want) else None
        return self.wait("%s is %s" % (id or "an event", status), look, seconds)

    def outage(self, scenario):
        """Begins now, in a world that was started with a scenario in which little happens: the one a
        world begins by itself waits for nobody, and a slow test would come when its window is over."""
        own = lambda: (self.sim("GET", "/scenario").get("scenario") or {}).get("stages")
        self.wait("the world's own scenario has begun", lambda: any(x["ran"] for x in own() or []))
        self.sim("POST", "/scenario", {"name": scenario, "auto": True})
