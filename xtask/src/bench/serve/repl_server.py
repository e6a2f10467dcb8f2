"""A stand-in for the Python servers that people write around a REPL: threads, one REPL, one lock.

Kinder to its clients than those it stands for: connections stay open, and head and body of an answer
leave in one piece.
"""

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Repl:
    def __init__(self, program):
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.base = self.send({"cmd": "example : True := trivial"})["env"]

    def send(self, request):
        with self.lock:
            self.process.stdin.write(json.dumps(request) + "\n\n")
            self.process.stdin.flush()
            lines = []
            while True:
                line = self.process.stdout.readline()
                if not line:
                    raise RuntimeError("the REPL ended")
                if not line.strip():
                    if lines:
                        return json.loads("".join(lines))
                    continue
                lines.append(line)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        start = time.monotonic()
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        reply = self.server.repl.send({"cmd": text, "env": self.server.repl.base})
        messages = reply.get("messages", [])
        ok = not any(message["severity"] == "error" for message in messages)
        self.answer(
            200 if ok else 400,
            {
                "ok": ok,
                "messages": messages,
                "sorries": reply.get("sorries", []),
                "env": reply.get("env"),
                "elapsed": round(time.monotonic() - start, 3),
            },
        )

    def do_GET(self):
        self.answer(200, {"ready": True})

    def answer(self, status, body):
        data = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 4096


server = Server(("127.0.0.1", 0), Handler)
server.repl = Repl(sys.argv[1])
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
