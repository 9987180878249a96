"""One check of python3-asyncssh. Argument: a JSON object; prints what it saw as a JSON object."""
import asyncio
import json
import os
import sys
import warnings

# The library names ciphers that newer versions of another one call old.
warnings.simplefilter("ignore")
import asyncssh  # noqa: E402

task = json.loads(sys.argv[1])


async def connect(stack):
    tunnel = None
    for hop in task["hops"]:
        keys = [asyncssh.import_public_key(key) for key in hop["hostKeys"]]
        tunnel = await asyncssh.connect(
            hop["host"],
            hop["port"],
            username=hop["user"],
            client_keys=[task["key"]],
            known_hosts=(keys, [], []),
            agent_path=None,
            config=None,
            tunnel=tunnel,
        )
        stack.append(tunnel)
    return tunnel


async def run(connection, command, data=b""):
    result = await connection.run(command, input=data, encoding=None)
    return {
        "status": result.exit_status,
        "signal": result.exit_signal and result.exit_signal[0],
        "out": result.stdout.decode("latin-1"),
        "err": result.stderr.decode("latin-1"),
    }


async def errors(connection):
    seen = {}
    for name, command, data in task["commands"]:
        seen[name] = await run(connection, command, data.encode())
    async with connection.start_sftp_client() as sftp:
        seen["list"] = sorted(await sftp.listdir(task["there"]))
        try:
            await sftp.get(os.path.join(task["there"], "none"), task["here"])
        except asyncssh.SFTPError as error:
            seen["get nothing"] = [error.code, error.reason]
    return seen


async def terminal(connection):
    process = await connection.create_process(term_type="xterm", term_size=(97, 31))
    process.stdin.write("stty -a; echo $((1300+37)) $TERM; exit 4\r")
    output = await process.stdout.read()
    await process.wait()
    return {
        "status": process.exit_status,
        "size": "rows 31; columns 97" in output,
        "answer": "1337 xterm" in output,
    }


async def channels(connection):
    results = await asyncio.gather(*(run(connection, command) for command in task["together"]))
    return {str(index): result for index, result in enumerate(results)}


async def download(connection):
    async with connection.start_sftp_client() as sftp:
        await sftp.get(task["remote"], task["local"])
    return {}


async def upload(connection):
    async with connection.start_sftp_client() as sftp:
        await sftp.put(task["local"], task["remote"])
    return {}


async def main():
    stack = []
    connection = await connect(stack)
    checks = {
        "login and errors": errors,
        "terminal": terminal,
        "50 channels": channels,
        "download": download,
        "upload": upload,
    }
    print(json.dumps(await checks[task["check"]](connection)))
    for one in reversed(stack):
        one.close()
        await one.wait_closed()


asyncio.run(main())
