"""Stands for the server of an editor: listens on a free port and says so in the words of VS Code's."""
import http.server
import sys
import threading


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"editor server\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
print("Extension host agent listening on %d" % server.server_port, flush=True)
# Nobody stops it but itself.
threading.Timer(120, server.shutdown).start()
server.serve_forever()
sys.exit(0)
