/**
 * A process that takes and releases the lock of a home folder whenever its parent says so, and ends with
 * it. Argument: the folder. Answers `taken`, `released`, or the code of the refusal.
 */
import { Home } from '../../server/cli/home.ts';
import { SallyportError } from '../../server/errors.ts';

const home = Home.open(process.argv[2] ?? '');
let release: (() => void) | null = null;

function take(): string {
  try {
    release = home.lock();
    return 'taken';
  } catch (error) {
    return error instanceof SallyportError ? error.code : String(error);
  }
}

process.on('message', (order) => {
  if (order === 'take') {
    process.send?.(take());
    return;
  }
  release?.();
  release = null;
  process.send?.('released');
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
