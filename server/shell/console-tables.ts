/**
 * What harmless lines of python and javascript are made of, as data. Not caught here: modules that
 * somebody has put in place of known ones, and what an import itself runs.
 */
import type { CodeLanguage } from './console-tokens.ts';

export interface CodeTable {
  /** Words of the language with nothing to look at. */
  readonly keywords: ReadonlySet<string>;
  /** What is there without an import and reaches nothing outside. */
  readonly builtins: ReadonlySet<string>;
  /** Never harmless by itself, even if the line seems to make a name of its own of it. */
  readonly never: ReadonlySet<string>;
  /** Members that lead from a plain value to everything else. */
  readonly badMembers: RegExp;
  /** Of each module the members that reach nothing outside; null = all of them. */
  readonly modules: ReadonlyMap<string, ReadonlySet<string> | null>;
  /** Calls that start a shell or a program, by what their first argument is. */
  readonly calls: ReadonlyMap<string, 'line' | 'words' | 'file'>;
  /** Ends the console. */
  readonly leaving: RegExp;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

function modules(text: string): ReadonlyMap<string, ReadonlySet<string> | null> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', members = ''] = line.split(': ');
        return [name.trim(), members === '*' ? null : words(members)];
      }),
  );
}

const PYTHON: CodeTable = {
  keywords: words(
    'and or not in is if elif else while for break continue pass return yield try except finally raise with assert ' +
      'del global nonlocal True False None lambda def class as async await match case',
  ),
  builtins: words(
    'print len range str int float bool bytes bytearray complex list tuple dict set frozenset sorted reversed sum min ' +
      'max abs round pow divmod enumerate zip map filter any all chr ord bin hex oct repr ascii format hash id iter next ' +
      'slice type isinstance issubclass callable dir help exit quit object super property staticmethod classmethod ' +
      'Exception ValueError TypeError KeyError IndexError AttributeError RuntimeError StopIteration ZeroDivisionError ' +
      'OSError FileNotFoundError NotImplementedError ArithmeticError LookupError ImportError NameError Ellipsis ' +
      'NotImplemented __name__ __doc__ __file__',
  ),
  never: words(
    'open eval exec compile __import__ __builtins__ __loader__ __spec__ getattr setattr delattr globals locals vars ' +
      'breakpoint input memoryview copyright credits license get_ipython execfile file raw_input reload _',
  ),
  badMembers:
    /^(?:_(?!_(?:init|name|doc|version)__$).*|(?:gi|cr|ag|tb)_frame|getattr|setattr|delattr|globals|locals|vars|compile|bltns|modules|input|breakpoint|attrgetter|methodcaller|get_field|f_(?:back|globals|builtins|locals|code)|func_globals|mro|tofile|dump|os|sys|io|builtins|subprocess|shutil|importlib|codecs|pathlib|posix|pty|ctypes|open|system|popen|exec\w*|spawn\w*|fork\w*|eval|unlink|rmtree|write_text|write_bytes)$/,
  modules: modules(`
math: *
cmath: *
json: loads dumps JSONDecodeError
re: *
datetime: *
time: time sleep strftime strptime localtime gmtime monotonic perf_counter ctime asctime mktime
random: random randint choice choices sample shuffle uniform seed randrange gauss
collections: Counter defaultdict OrderedDict deque namedtuple ChainMap
itertools: *
functools: partial reduce lru_cache wraps cache cmp_to_key total_ordering
string: ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation printable whitespace capwords Template
statistics: *
decimal: *
fractions: *
calendar: *
textwrap: *
pprint: pprint pformat
uuid: uuid1 uuid3 uuid4 uuid5 UUID NAMESPACE_DNS NAMESPACE_URL
hashlib: md5 sha1 sha224 sha256 sha384 sha512 blake2b blake2s new algorithms_available
base64: b64encode b64decode b32encode b32decode b16encode b16decode urlsafe_b64encode urlsafe_b64decode
binascii: *
hmac: new compare_digest digest
secrets: *
operator: add sub mul truediv floordiv mod neg itemgetter lt le eq ne gt ge and_ or_ xor
typing: Any List Dict Optional Union Tuple Set Callable Iterable Iterator NamedTuple TypedDict Literal Final ClassVar TypeVar Generic Protocol Sequence Mapping
enum: Enum IntEnum Flag IntFlag StrEnum auto unique
dataclasses: dataclass field asdict astuple fields replace
copy: copy deepcopy
bisect: *
heapq: *
struct: *
locale: getlocale setlocale getpreferredencoding LC_ALL
platform: system node release version machine processor platform python_version uname architecture
sys: version version_info platform argv path exit maxsize byteorder executable getsizeof getrecursionlimit api_version float_info int_info implementation flags prefix
os: getcwd getpid getppid getuid getgid geteuid getegid getlogin uname cpu_count listdir sep linesep name getenv urandom getloadavg curdir pardir pathsep extsep devnull
os.path: join exists isfile isdir basename dirname abspath realpath expanduser split splitext getsize getmtime normpath relpath isabs islink commonpath expandvars
os.environ: get keys items values copy
socket: gethostname getfqdn gethostbyname
ipaddress: *
unicodedata: *
html: *
urllib.parse: quote unquote quote_plus unquote_plus urlencode urlparse urlsplit urlunparse parse_qs parse_qsl urljoin
`),
  calls: new Map([
    ['os.system', 'line'],
    ['os.popen', 'line'],
    ['subprocess.getoutput', 'line'],
    ['subprocess.getstatusoutput', 'line'],
    ['subprocess.run', 'words'],
    ['subprocess.call', 'words'],
    ['subprocess.check_call', 'words'],
    ['subprocess.check_output', 'words'],
    ['subprocess.Popen', 'words'],
    ['pty.spawn', 'words'],
    ['open', 'file'],
    ['os.remove', 'file'],
    ['os.unlink', 'file'],
    ['os.rmdir', 'file'],
    ['shutil.rmtree', 'file'],
  ]),
  leaving: /^\s*(?:(?:sys\.)?exit|quit)\s*(?:\(\s*\d*\s*\))?\s*$/,
};

const NODE: CodeTable = {
  keywords: words(
    'var let const if else for while do break continue return function class new typeof void in of instanceof try ' +
      'catch finally throw switch case default true false null undefined async await yield extends static ' +
      'get set delete NaN Infinity',
  ),
  builtins: words(
    'console Math JSON Number String Boolean Array Date Map Set WeakMap WeakSet RegExp Promise BigInt Symbol Error ' +
      'TypeError RangeError SyntaxError parseInt parseFloat isNaN isFinite encodeURIComponent decodeURIComponent ' +
      'encodeURI decodeURI Intl Uint8Array Int32Array Float64Array ArrayBuffer DataView structuredClone',
  ),
  never: words(
    'eval Function require module exports process global globalThis import Reflect Proxy Object WebAssembly fetch ' +
      'WebSocket Worker Buffer Atomics SharedArrayBuffer queueMicrotask ' +
      'GeneratorFunction AsyncFunction constructor arguments __dirname __filename ' +
      'assert async_hooks buffer child_process cluster crypto dgram diagnostics_channel dns domain events fs http http2 ' +
      'https inspector net os path perf_hooks punycode querystring readline repl stream string_decoder sys ' +
      'timers tls trace_events tty url util v8 vm wasi worker_threads zlib test _ _error',
  ),
  badMembers:
    /^(?:_.*|constructor|prototype|caller|callee|arguments|mainModule|binding|dlopen|require|raw|getBuiltinModule|prepareStackTrace|getThis|getFunction)$/,
  modules: modules(`
process: version versions platform arch pid ppid argv cwd uptime memoryUsage hrtime title exit getuid getgid
Object: keys values entries assign fromEntries freeze is isFrozen
os: hostname platform arch cpus totalmem freemem uptime release type userInfo homedir tmpdir loadavg EOL
path: join resolve basename dirname extname normalize relative isAbsolute sep parse format
util: inspect format isDeepStrictEqual types
url: parse format
querystring: parse stringify
Buffer: from alloc byteLength concat
crypto: randomUUID randomBytes createHash randomInt
`),
  calls: new Map([
    ['child_process.execSync', 'line'],
    ['child_process.exec', 'line'],
    ['fs.readFileSync', 'file'],
    ['fs.writeFileSync', 'file'],
    ['fs.appendFileSync', 'file'],
    ['fs.unlinkSync', 'file'],
    ['fs.rmSync', 'file'],
  ]),
  leaving: /^\s*(?:\.exit|process\.exit\(\s*\d*\s*\)\s*;?)\s*$/,
};

export const CODE_TABLES: Readonly<Record<CodeLanguage, CodeTable>> = {
  python: PYTHON,
  node: NODE,
};
