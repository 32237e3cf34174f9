#!/usr/bin/env python3
"""A mail server for tests: takes mail over TLS and writes what it took as JSON lines.

usage: smtp_sink.py PORTFILE OUTFILE MODE [CERT KEY]     MODE: starttls implicit plain
Recipients whose name begins with "bad" are refused. It ends with its parent.
"""
import ctypes, json, os, signal, socket, ssl, sys, threading

portfile, outfile, mode = sys.argv[1:4]
context = None
if mode != "plain":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
lock = threading.Lock()


def note(**what):
    with lock, open(outfile, "a") as f:
        f.write(json.dumps(what) + "\n")


def serve(raw):
    tls = False
    try:
        s = raw
        if mode == "implicit":
            s = context.wrap_socket(s, server_side=True)
            tls = True
        f = s.makefile("rwb", buffering=0)
        say = lambda line: f.write(line.encode() + b"\r\n")
        say("220 sink ESMTP")
        rcpt = []
        while True:
            line = f.readline().decode(errors="replace").rstrip("\r\n")
            word = line[:4].upper()
            if not line:
                return
            if word in ("EHLO", "HELO"):
                for extra in ["sink", "8BITMIME"] + (["STARTTLS"] if mode == "starttls" and not tls else []):
                    say("250-" + extra)
                say("250 SIZE 1000000")
            elif word == "STAR" and mode == "starttls" and not tls:
                say("220 go on")
                s = context.wrap_socket(s, server_side=True)
                f = s.makefile("rwb", buffering=0)
                tls = True
            elif word == "MAIL":
                note(kind="mail", tls=tls)
                say("250 ok")
            elif word == "RCPT":
                if "<bad" in line:
                    say("550 5.1.1 no such user")
                else:
                    rcpt.append(line.split("<")[1].split(">")[0])
                    say("250 ok")
            elif word == "DATA":
                say("354 go on")
                text = b""
                while not text.endswith(b"\r\n.\r\n"):
                    piece = f.readline()
                    if not piece:
                        return
                    text += piece
                note(kind="taken", tls=tls, to=rcpt, text=text.decode(errors="replace"))
                say("250 taken")
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("502 not here")
    except (OSError, ssl.SSLError) as e:
        note(kind="broken", why=str(e)[:120])
    finally:
        raw.close()


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(20)
with open(portfile + ".tmp", "w") as f:
    f.write("%d\n" % listener.getsockname()[1])
os.rename(portfile + ".tmp", portfile)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
