/**
 * The files that browsers load, made in memory at start: islands bundled by esbuild, our style sheet,
 * and the player as its package ships it. Names carry a hash of the content, so they can be cached for
 * ever.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Asset } from '../server/http/pages.ts';

/** Addresses for pages to refer to. */
export interface AssetPaths {
  readonly style: string;
  readonly icon: string;
  readonly playerScript: string;
  readonly playerStyle: string;
  readonly replayScript: string;
  readonly inboxScript: string;
  readonly signInScript: string;
  readonly sessionsScript: string;
  readonly paletteScript: string;
}

/** What a page that stands alone carries inside. */
export interface InlineAssets {
  readonly style: string;
  readonly playerStyle: string;
  readonly playerScript: string;
  readonly exportedScript: string;
  /** Content-Security-Policy sources of the two scripts. */
  readonly scriptHashes: readonly string[];
}

export interface Assets {
  readonly paths: AssetPaths;
  readonly inline: InlineAssets;
  /** By content-hashed name, without folder. */
  readonly files: ReadonlyMap<string, Asset>;
}

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

export async function buildAssets(): Promise<Assets> {
  const files = new Map<string, Asset>();
  const add = (stem: string, suffix: string, type: string, body: Buffer): string => {
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
    const name = `${stem}-${hash}.${suffix}`;
    files.set(name, { type, body });
    return `/assets/${name}`;
  };
  const bundles = await Promise.all([
    bundled('islands/replay.ts'),
    bundled('islands/exported.ts'),
    bundled('islands/inbox.ts'),
    bundled('islands/sessions.ts'),
    bundled('islands/palette.ts'),
    bundled('islands/sign-in.ts'),
    bundled('styles/app.css'),
    readFile(here('styles/icon.svg')),
    readFile(inPackage('asciinema-player/dist/bundle/asciinema-player.min.js')),
    readFile(inPackage('asciinema-player/dist/bundle/asciinema-player.css')),
  ]);
  const [
    replay,
    exported,
    inbox,
    sessions,
    palette,
    signIn,
    style,
    icon,
    playerScript,
    playerStyle,
  ] = bundles;
  const paths = {
    replayScript: add('replay', 'js', SCRIPT, replay),
    inboxScript: add('inbox', 'js', SCRIPT, inbox),
    signInScript: add('sign-in', 'js', SCRIPT, signIn),
    sessionsScript: add('sessions', 'js', SCRIPT, sessions),
    paletteScript: add('palette', 'js', SCRIPT, palette),
    style: add('app', 'css', STYLE, style),
    icon: add('icon', 'svg', 'image/svg+xml', icon),
    playerScript: add('player', 'js', SCRIPT, playerScript),
    playerStyle: add('player', 'css', STYLE, playerStyle),
  };
  const inline = {
    style: style.toString(),
    playerStyle: playerStyle.toString(),
    playerScript: playerScript.toString(),
    exportedScript: exported.toString(),
    scriptHashes: [playerScript, exported].map(
      (script) => `sha256-${createHash('sha256').update(script).digest('base64')}`,
    ),
  };
  return { paths, inline, files };
}

async function bundled(path: string): Promise<Buffer> {
  const result = await build({
    entryPoints: [here(path)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`nothing came out of ${path}`);
  return Buffer.from(file.contents);
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

function inPackage(path: string): string {
  return createRequire(import.meta.url).resolve(path);
}
