#!/usr/bin/env node
// Runs the TypeScript sources as they are: the code that an operator reads is the code that runs.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

// Otherwise it is looked for in the working directory, and pages fail when that is another one.
register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });
await import('./main.ts');
