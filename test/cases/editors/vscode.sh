# What an editor sends to `ssh -T -D PORT host bash`, in the command forms of Remote-SSH: own words.
# Filled in by the test: DOWNLOAD (where the server comes from).
SESSION_ID=4f1c2a7b9d3e
COMMIT=0123456789abcdef0123456789abcdef01234567
DATA_DIR="$HOME/.vscode-server"
SERVER_DIR="$DATA_DIR/bin/$COMMIT"
SERVER_SCRIPT="$SERVER_DIR/bin/code-server"
LOG_FILE="$DATA_DIR/.$COMMIT.log"
PID_FILE="$DATA_DIR/.$COMMIT.pid"
TOKEN_FILE="$DATA_DIR/.$COMMIT.token"
EXIT_CODE=0
SECONDS=0
echo "$SESSION_ID: running"

print_results_and_exit() {
  echo "$SESSION_ID: start"
  echo "exitCode==$1=="
  echo "listeningOn==$LISTENING_ON=="
  echo "connectionToken==$TOKEN=="
  echo "logFile==$LOG_FILE=="
  echo "osReleaseId==$OS_RELEASE_ID=="
  echo "arch==$ARCH=="
  echo "platform==$PLATFORM=="
  echo "tmpDir==${XDG_RUNTIME_DIR:-/tmp}=="
  echo "unpackResult==$UNPACK_RESULT=="
  echo "$SESSION_ID: end"
  exit 0
}

KERNEL="$(uname -s)"
case "$KERNEL" in
  Linux) PLATFORM="linux" ;;
  Darwin) PLATFORM="darwin" ;;
  *)
    echo "Unsupported platform: $KERNEL"
    print_results_and_exit 37
    ;;
esac
ARCH="$(uname -m)"
case "$ARCH" in
  x86_64 | amd64) SERVER_ARCH="x64" ;;
  armv7l | armv8l) SERVER_ARCH="armhf" ;;
  aarch64 | arm64) SERVER_ARCH="arm64" ;;
  *) SERVER_ARCH="x64" ;;
esac
OS_RELEASE_ID="$(grep -i '^ID=' /etc/os-release 2>/dev/null | sed 's/^ID=//gi' | sed 's/"//g')"
if [[ -z $OS_RELEASE_ID ]]; then
  OS_RELEASE_ID="unknown"
fi

umask 0077
if [[ ! -d $SERVER_DIR ]]; then
  mkdir -p "$SERVER_DIR"
  if (( $? > 0 )); then
    echo "Creating the server install dir failed"
    print_results_and_exit 35
  fi
fi

echo "Acquiring lock on $SERVER_DIR/vscode-remote-lock"
touch "$SERVER_DIR/vscode-remote-lock.target"
ln "$SERVER_DIR/vscode-remote-lock.target" "$SERVER_DIR/vscode-remote-lock" 2>/dev/null
trap 'rm -f "$SERVER_DIR/vscode-remote-lock"' EXIT

if [[ ! -f $SERVER_SCRIPT ]]; then
  cd "$SERVER_DIR"
  if [[ ! -z $(which curl) ]]; then
    curl --retry 3 --connect-timeout 7 --location --show-error --silent --output vscode-server.tar.gz "DOWNLOAD"
  elif [[ ! -z $(which wget) ]]; then
    wget --tries=3 --timeout=7 --continue --no-verbose -O vscode-server.tar.gz "DOWNLOAD"
  else
    echo "Neither wget nor curl is installed"
    print_results_and_exit 25
  fi
  tar -xf vscode-server.tar.gz --strip-components 1
  UNPACK_RESULT=$?
  rm -f vscode-server.tar.gz
  cd - > /dev/null
else
  echo "Found existing installation at $SERVER_DIR..."
fi

echo "Checking $LOG_FILE and $PID_FILE for a running server"
if [[ -f $PID_FILE ]]; then
  SERVER_PID="$(cat "$PID_FILE")"
  echo "Looking for server with pid: $SERVER_PID"
  RUNNING="$(ps -o pid,args -p "$SERVER_PID" | grep "$SERVER_SCRIPT" | grep -v grep)"
fi

if [[ -z $RUNNING ]]; then
  rm -f "$LOG_FILE"
  touch "$TOKEN_FILE"
  chmod 600 "$TOKEN_FILE"
  TOKEN="$(cat /proc/sys/kernel/random/uuid)"
  echo "$TOKEN" > "$TOKEN_FILE"
  echo "Starting server"
  "$SERVER_SCRIPT" --start-server --host=127.0.0.1 --accept-server-license-terms --enable-remote-auto-shutdown --port=0 --telemetry-level off --connection-token-file "$TOKEN_FILE" &> "$LOG_FILE" < /dev/null &
  echo $! > "$PID_FILE"
fi

if [[ -f $TOKEN_FILE ]]; then
  TOKEN="$(cat "$TOKEN_FILE")"
fi
STOP=$((SECONDS + 20))
while (( SECONDS < STOP )); do
  LISTENING_ON="$(cat "$LOG_FILE" 2>/dev/null | grep -a -E 'Extension host agent listening on .+' | grep -v grep | sed 's/Extension host agent listening on //')"
  if [[ -n $LISTENING_ON ]]; then
    break
  fi
  echo "Waiting for server log..."
  sleep .1
done
if [[ -z $LISTENING_ON ]]; then
  print_results_and_exit 32
fi
print_results_and_exit 0
