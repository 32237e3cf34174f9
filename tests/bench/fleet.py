"""A fleet of any size for benches: simulator and one engine with its own private PostgreSQL,
all on loopback, started and ended here. Python 3, psql, nothing else.

    with Fleet(lineages=150, agents=300) as f: ...      # 150 primaries, 150 backups
"""
import json, os, re, shutil, signal, subprocess, sys, tempfile, time
import urllib.error, urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
BIN = os.path.join(ROOT, 'build', 'ringdown')
TICKS = os.sysconf('SC_CLK_TCK')
BASES = {'twilio.apiBase': 'TWILIO_API_BASE', 'twilio.monitorBase': 'TWILIO_MONITOR_BASE',
         'twilio.messagingBase': 'TWILIO_MESSAGING_BASE', 'twilio.videoBase': 'TWILIO_VIDEO_BASE',
         'twilio.routesBase': 'TWILIO_ROUTES_BASE', 'twilio.pricingBase': 'TWILIO_PRICING_BASE',
         'elevenlabs.base': 'ELEVENLABS_BASE', 'telnyx.base': 'TELNYX_BASE',
         'status.twilioBase': 'TWILIO_STATUS_BASE', 'status.elevenlabsBase': 'ELEVENLABS_STATUS_BASE',
         'status.telnyxBase': 'TELNYX_STATUS_BASE', 'status.awsBase': 'AWS_HEALTH_BASE', 'app.base': 'APP_BASE'}
KEY = '0123456789abcdef0123456789abcdef'


def cpu_s(pid):
    """Processor time of a process so far."""
    f = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(f[11]) + int(f[12])) / TICKS


def memory_kib(pid, what='VmRSS'):
    return int(re.search(what + r':\s+(\d+)', open(f'/proc/{pid}/status').read()).group(1))


def load():
    return '%.2f' % os.getloadavg()[0]


class Fleet:
    def __init__(self, lineages=1, agents=40, settings='', clean=True):
        self.lineages, self.agents, self.settings, self.clean = lineages, agents, settings, clean

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix='rd-bench-')
        os.chmod(self.dir, 0o711)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(('RINGDOWN_', 'DATABASE_URL', 'ENCRYPTION_KEY'))}
        self.env['XDG_CONFIG_HOME'] = self.dir
        self.procs = []
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for p in reversed(self.procs):
            if p.poll() is None:
                p.send_signal(signal.SIGCONT)
                p.send_signal(signal.SIGTERM)
                try:
                    p.wait(30)
                except subprocess.TimeoutExpired:
                    p.kill()
        # as root the cluster may lie outside our directory: it is ours alone all the same
        if getattr(self, 'cluster', None) and self.clean and not self.cluster.startswith(self.dir):
            shutil.rmtree(self.cluster, ignore_errors=True)
        if self.clean:
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- starting ----

    def spawn(self, name, *args):
        log = open(os.path.join(self.dir, name + '.log'), 'a')
        p = subprocess.Popen([BIN, *args], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.env,
                             cwd=self.dir)
        self.procs.append(p)
        return p

    def port(self, name, p, seconds=90):
        path, end = os.path.join(self.dir, name + '.port'), time.monotonic() + seconds
        while time.monotonic() < end:
            if p.poll() is not None:
                break
            if os.path.exists(path):
                text = open(path).read().strip()
                if text:
                    return int(text)
            time.sleep(0.05)
        raise SystemExit(f'{name} did not start: ' + open(os.path.join(self.dir, name + '.log')).read()[-800:])

    def start(self):
        self.sim_p = self.spawn('simulate', 'simulate', '--port', '0', '--port-file', 'simulate.port',
                                '--scenario', 'approve-race', '--wait', '--agents', str(max(50, self.agents)))
        self.sim = 'http://127.0.0.1:%d' % self.port('simulate', self.sim_p)
        shape = {'agents': self.agents, 'lineages': self.lineages}
        if self.lineages > 1:
            shape['scenario'] = 'approve-race'
        self.http('POST', '/_sim/reset', shape, base=self.sim)
        self.state = self.http('GET', '/_sim/state?parts=world,accounts,agents,app', base=self.sim)
        self.config = os.path.join(self.dir, 'engine.yaml')
        self.write_config()
        self.engine = self.spawn('engine', '--config', self.config, 'engine', '--embedded', '--id', 'eng-1',
                                 '--port-file', 'engine.port')
        self.api = 'http://127.0.0.1:%d' % self.port('engine', self.engine)
        self.db = self.find_database()
        self.base_kib = memory_kib(self.engine.pid)      # before there is anything to watch
        self.token = self.make_token('admin')
        self.fill()

    def write_config(self):
        lines = ['environment: bench', 'environments:', '  bench:', '    label: BENCH',
                 f'encryptionKey: "{KEY}"', 'listen: "127.0.0.1:0"', f'stateDir: "{self.dir}/engine"',
                 'cronSecret: "bench"']
        for option, name in BASES.items():
            if name in self.state['bases']:
                lines.append(f'{option}: "{self.state["bases"][name]}"')
        lines.append(f'elevenlabs.apiKey: "{self.state["elevenlabs"]["apiKey"]}"')
        lines.append(f'internalServiceKey: "{self.state["app"]["internalKey"]}"')
        lines.append(self.settings)
        with open(self.config, 'w') as f:
            f.write('\n'.join(lines) + '\n')

    def find_database(self):
        """The socket directory of the private cluster, from the postmaster's own command line."""
        kids = subprocess.run(['pgrep', '-P', str(self.engine.pid)], capture_output=True, text=True).stdout.split()
        for pid in kids:
            cmd = open(f'/proc/{pid}/cmdline').read().split('\0')
            if 'postgres' not in cmd[0]:
                continue
            self.postmaster = int(pid)
            data = cmd[cmd.index('-D') + 1]
            self.cluster = os.path.dirname(os.path.dirname(data))
            lines = open(os.path.join(data, 'postmaster.pid')).read().splitlines()
            return f'host={lines[4]} port={lines[3]} user=ringdown dbname=ringdown'
        raise SystemExit('no private PostgreSQL below the engine')

    def sql(self, text, user=None):
        r = subprocess.run(['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', self.db, '-f', '-'], input=text,
                           capture_output=True, text=True)
        if r.returncode:
            raise SystemExit('psql: ' + r.stderr[-800:])
        return r.stdout.strip()

    def make_token(self, role):
        env = dict(self.env, DATABASE_URL=self.db)
        r = subprocess.run([BIN, '--config', self.config, 'token', 'create', '--name', 'bench-' + role, '--role', role],
                           capture_output=True, text=True, env=env, cwd=self.dir)
        m = re.search(r'rd_\S+', r.stdout)
        if not m:
            raise SystemExit('token create: ' + r.stdout + r.stderr)
        return m.group(0)

    def fill(self):
        by_sid = {a['sid']: a for a in self.state['accounts']}
        ids = {}
        for a in self.state['accounts']:
            if a['role'] not in ('primary', 'backup'):
                continue
            body = {'name': a['name'], 'accountSid': a['sid'], 'authToken': a['authToken'],
                    'priority': a.get('priority') or 0, 'isPrimary': a['role'] == 'primary'}
            parent = by_sid.get(a.get('parentSid'))
            if parent:
                body['parentSid'], body['parentAuthToken'] = parent['sid'], parent['authToken']
            got = self.http('POST', '/api/admin/twilio-failover/accounts', body, token=self.token)
            ids[a['sid']] = got['account']['id'] if 'account' in got else got['id']
        self.ids = ids
        path = os.path.join(self.dir, 'agents.json')
        with open(path, 'w') as f:
            json.dump([dict(a, account=ids[a['accountSid']]) for a in self.state['agents']], f)
        os.chmod(path, 0o644)
        self.sql(f'''
            CREATE TEMP TABLE j (a jsonb);
            \\set text `cat {path}`
            INSERT INTO j SELECT jsonb_array_elements(:'text'::jsonb);
            INSERT INTO "VoiceAgent" (id, "orgId", name, status, "elevenLabsAgentId", "twilioPhoneNumber",
                "twilioAccountId", "createdAt", "updatedAt")
                SELECT a->>'id', a->>'orgId', a->>'name', 'ACTIVE', a->>'elevenLabsAgentId', a->>'phoneNumber',
                a->>'account', now(), now() FROM j;
            INSERT INTO ringdown.agent_ext (agent_id, home_account, integration, priority)
                SELECT a->>'id', a->>'account', a->>'integration', 100 FROM j
                ON CONFLICT (agent_id) DO UPDATE SET integration = excluded.integration;''')

    # ---- asking ----

    def http(self, method, path, body=None, token=None, base=None, timeout=120):
        data = None if body is None else json.dumps(body).encode()
        r = urllib.request.Request((base or self.api) + path, data=data, method=method)
        if data is not None:
            r.add_header('Content-Type', 'application/json')
        if token:
            r.add_header('Authorization', 'Bearer ' + token)
        try:
            with urllib.request.urlopen(r, timeout=timeout) as f:
                text = f.read()
        except urllib.error.HTTPError as e:
            raise SystemExit(f'{method} {path}: {e.code} {e.read()[:300]}')
        return json.loads(text) if text.strip() else None

    def stream(self, seconds, after=None):
        """What a console gets: (bytes, {kind: [documents]}) of so many seconds."""
        q = '' if after is None else f'?after={after}'
        r = urllib.request.Request(self.api + '/api/v1/stream' + q)
        r.add_header('Authorization', 'Bearer ' + self.token)
        got, kinds, end = 0, {}, time.monotonic() + seconds
        with urllib.request.urlopen(r, timeout=10) as f:
            kind = None
            while time.monotonic() < end:
                line = f.readline()
                got += len(line)
                if line.startswith(b'event: '):
                    kind = line[7:].strip().decode()
                elif line.startswith(b'data: '):
                    kinds.setdefault(kind, []).append(line[6:])
        return got, kinds
