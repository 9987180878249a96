/** The process: arguments and environment in, exit status out. */
import { readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { optionWords, parseCommandLine, type Terminal } from './cli/verb.ts';
import { usageText, VERBS } from './cli/verbs.ts';
import { readEnvironment } from './config/environment.ts';
import { messageOf, SallyportError } from './errors.ts';
import { createLogger } from './log.ts';
import { printable } from './printable.ts';

const MAX_MESSAGE_CHARACTERS = 4000;
const EXIT_GRACE_MS = 3000;

/** A reader such as `head` that has seen enough is no failure. */
class ReaderGone extends Error {}

function outputError(error: Error): Error {
  return 'code' in error && error.code === 'EPIPE' ? new ReaderGone() : error;
}

const terminal: Terminal = {
  out: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(outputError(error)) : resolve()));
    }),
  err: (text) => {
    process.stderr.write(text);
  },
  stdin: process.stdin,
};

function complain(line: string): void {
  terminal.err(`sallyport: ${printable(line, MAX_MESSAGE_CHARACTERS)}\n`);
}

/** Says what is wrong, one line each; with `--json` also on standard output, as the HTTP API does. */
async function report(
  error: SallyportError,
  lines: readonly string[] = [`${error.message}; ${error.hint}`],
): Promise<number> {
  for (const line of lines) complain(line);
  if (optionWords(process.argv.slice(2)).includes('--json')) {
    const { code, message, hint } = error;
    await terminal.out(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  }
  return error.exitStatus;
}

async function main(): Promise<number> {
  const parsed = parseCommandLine(process.argv.slice(2), VERBS);
  if (parsed.kind === 'help') {
    await terminal.out(usageText());
    return 0;
  }
  if (parsed.kind === 'usage') {
    return report(new SallyportError('usage.invalid', parsed.message, parsed.hint));
  }
  const environment = readEnvironment(process.env, {
    homeDirectory: homedir(),
    workingDirectory: process.cwd(),
    isTerminal: process.stderr.isTTY,
  });
  if (environment.kind === 'invalid') {
    const { problems } = environment;
    const message = problems.join('; ');
    return report(
      new SallyportError('config.invalid', message, 'correct the environment'),
      problems,
    );
  }
  for (const warning of environment.warnings) complain(warning);
  const { config } = environment;
  const logger = createLogger(
    config.logFormat,
    (line) => terminal.err(`${line}\n`),
    Date.now,
    // A verb answers on its own; only a server's log is read for what went well.
    parsed.verb.name === 'serve' ? 'info' : 'warn',
  );
  try {
    return await parsed.verb.run({
      config,
      logger,
      terminal,
      source: `cli:${userInfo().username}`,
      version: version(),
      positionals: parsed.positionals,
      options: parsed.options,
    });
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    if (error instanceof SallyportError) return report(error);
    logger.error('unexpected failure', {
      why: messageOf(error),
      stack: error instanceof Error ? (error.stack ?? null) : null,
    });
    return report(
      new SallyportError(
        'internal',
        'something broke that should not',
        'report it with the lines above',
      ),
    );
  }
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

// The write that failed has told its caller; as an event it would end the process before that closes.
process.stdout.on('error', () => {});
process.exitCode = await main().catch((error: unknown) => {
  if (error instanceof ReaderGone) return 0;
  throw error;
});
// Everything is closed by now. Should a handle have been forgotten, the process ends all the same, and
// says so rather than hang.
setTimeout(() => {
  complain('something was left open at the end; report this');
  process.exit();
}, EXIT_GRACE_MS).unref();
