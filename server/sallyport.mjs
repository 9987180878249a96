#!/usr/bin/env node
// Runs the TypeScript sources as they are: the code that an operator reads is the code that runs.
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');
