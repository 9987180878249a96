/**
 * A process that runs a PostgreSQL server through the product's code, for tests that kill it or run it
 * as somebody else. Argument: the directory. Prints one JSON line, stops the server when stdin ends.
 */
import { SallyportError } from '../../server/errors.ts';
import { silentLogger } from '../../server/log.ts';
import { startPostgres } from '../../server/store/postgres.ts';

async function main(): Promise<void> {
  const server = await startPostgres({ directory: process.argv[2] ?? '', logger: silentLogger });
  process.stdout.write(`${JSON.stringify(server)}\n`);
  process.stdin.resume();
  process.stdin.on('end', () => {
    void server.stop().then(() => process.exit(0));
  });
}

main().catch((error: unknown) => {
  const { code, message } =
    error instanceof SallyportError ? error : { code: 'other', message: String(error) };
  process.stdout.write(`${JSON.stringify({ code, message })}\n`);
  process.exit(1);
});
