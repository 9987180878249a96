"""One check of python3-paramiko. Argument: a JSON object; prints what it saw as a JSON object."""
import json
import os
import sys
import threading

import paramiko

task = json.loads(sys.argv[1])


class Pinned(paramiko.MissingHostKeyPolicy):
    def __init__(self, keys):
        self.keys = [key.split(" ")[1] for key in keys]

    def missing_host_key(self, client, hostname, key):
        if key.get_base64() not in self.keys:
            raise paramiko.SSHException("another host key")


def connect():
    clients = []
    for hop in task["hops"]:
        sock = None
        if clients:
            transport = clients[-1].get_transport()
            sock = transport.open_channel("direct-tcpip", (hop["host"], hop["port"]), ("127.0.0.1", 0))
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(Pinned(hop["hostKeys"]))
        client.connect(
            hop["host"],
            port=hop["port"],
            username=hop["user"],
            key_filename=task["key"],
            allow_agent=False,
            look_for_keys=False,
            sock=sock,
            timeout=20,
        )
        clients.append(client)
    return clients


def run(client, command, data=b""):
    channel = client.get_transport().open_session()
    channel.exec_command(command)
    streams = {"out": b"", "err": b""}

    def drain(name, receive):
        while True:
            piece = receive(65536)
            if not piece:
                return
            streams[name] += piece

    readers = [
        threading.Thread(target=drain, args=("out", channel.recv)),
        threading.Thread(target=drain, args=("err", channel.recv_stderr)),
    ]
    for reader in readers:
        reader.start()
    channel.sendall(data)
    channel.shutdown_write()
    for reader in readers:
        reader.join()
    return {
        "status": channel.recv_exit_status(),
        "out": streams["out"].decode("latin-1"),
        "err": streams["err"].decode("latin-1"),
    }


def errors(client):
    seen = {name: run(client, command, data.encode()) for name, command, data in task["commands"]}
    sftp = client.open_sftp()
    seen["list"] = sorted(sftp.listdir(task["there"]))
    try:
        sftp.open(os.path.join(task["there"], "none"), "r")
    except OSError as error:
        seen["get nothing"] = str(error)
    return seen


def terminal(client):
    channel = client.get_transport().open_session()
    channel.get_pty(term="xterm", width=97, height=31)
    channel.invoke_shell()
    channel.sendall(b"stty -a; echo $((1300+37)) $TERM; exit 4\r")
    output = b""
    while True:
        piece = channel.recv(65536)
        if not piece:
            break
        output += piece
    return {
        "status": channel.recv_exit_status(),
        "size": b"rows 31; columns 97" in output,
        "answer": b"1337 xterm" in output,
    }


def channels(client):
    seen = {}

    def one(index, command):
        seen[str(index)] = run(client, command)

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(task["together"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


# Paramiko asks for all of a file at once; of an endless one that is half a million requests.
LARGEST_PREFETCHED = 1 << 30


def download(client):
    sftp = client.open_sftp()
    size = sftp.stat(task["remote"]).st_size
    sftp.get(task["remote"], task["local"], prefetch=size <= LARGEST_PREFETCHED)
    return {}


def upload(client):
    client.open_sftp().put(task["local"], task["remote"])
    return {}


clients = connect()
checks = {
    "login and errors": errors,
    "terminal": terminal,
    "50 channels": channels,
    "download": download,
    "upload": upload,
}
print(json.dumps(checks[task["check"]](clients[-1])))
for client in reversed(clients):
    client.close()
