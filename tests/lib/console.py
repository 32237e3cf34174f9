"""A console at a terminal of its own, typed at and looked at. Python 3, nothing else.

    c = Console([w.client, "--config", w.file], env)
    c.shows("did it happen?")       # a full repaint is asked for, then its text is searched
    c.type("2")
"""
import atexit, fcntl, os, pty, re, select, signal, struct, termios, time

from world import SLACK


class Console:
    def __init__(self, argv, env, rows=30, cols=100):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, dict(env, TERM="xterm-256color", LANG="C.UTF-8"))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        atexit.register(self.stop)
        self.text = ""

    def read(self, quiet=0.3, limit=5):
        """What comes until nothing does for a while: its words, one space apart."""
        seen, until = b"", time.monotonic() + limit
        while time.monotonic() < until and select.select([self.fd], [], [], quiet)[0]:
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        seen = re.sub(rb"\x1b\[[0-9;]*[CGHf]", b" ", seen)    # the cursor goes elsewhere
        seen = re.sub(rb"\x1b\[[0-9;?>=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b\][^\x07]*\x07", b"", seen)
        return " ".join(seen.decode(errors="replace").split())

    def screen(self):
        os.write(self.fd, b"\x0c")
        self.text = self.read()
        return self.text

    def shows(self, text, seconds=20):
        until = time.monotonic() + seconds * SLACK
        while time.monotonic() < until:
            if text in self.screen():
                return True
        return False

    def type(self, keys):
        """As a person does: what was typed before the screen stood still does not count."""
        self.read()
        os.write(self.fd, keys.encode())

    def stop(self):
        try:
            if os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            os.close(self.fd)
        except (ChildProcessError, OSError):
            pass


def at_terminal(argv, lines, env=None, cwd=None, seconds=60):
    """A command on a terminal of its own, its questions answered in turn: (exit status, what was on
    the screen, echo restored). A question is a line that goes on: what is typed before it does not
    count."""
    pid, fd = pty.fork()
    if pid == 0:
        if cwd:
            os.chdir(cwd)
        os.execve(argv[0], argv, dict(os.environ, **(env or {})))
    seen, until, todo, answered = b"", time.monotonic() + seconds * SLACK, list(lines), 0
    while time.monotonic() < until:
        if select.select([fd], [], [], 0.3)[0]:
            try:
                part = os.read(fd, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        elif todo and seen[answered:] and not seen.endswith(b"\n"):
            answered = len(seen)
            os.write(fd, todo.pop(0).encode() + b"\n")
    echo = True
    try:
        echo = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
    except termios.error:
        pass
    if time.monotonic() >= until:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    return status, seen, echo
