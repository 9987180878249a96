// Starts the thread that keeps the search up to date: a new thread knows nothing of the loader that runs
// TypeScript.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register({ tsconfig: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)) });
await import('./search-thread.ts');
