// Starts the thread that makes keyframes: a new thread knows nothing of the loader that runs TypeScript.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register({ tsconfig: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)) });
await import('./keyframe-thread.ts');
