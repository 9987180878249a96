#!/usr/bin/env node
// Runs the TypeScript sources as they are: the code that an operator reads is the code that runs.
import { fileURLToPath } from 'node:url';

const tsx = await import('tsx/esm/api').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write('sallyport: its packages are not installed; run `npm ci` in the clone\n');
  process.exit(2);
});
// Otherwise it is looked for in the working directory, and pages fail when that is another one.
tsx.register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });
await import('./main.ts');
