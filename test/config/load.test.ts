import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { loadDocument, MAX_CONFIG_FILE_BYTES } from '../../server/config/load.ts';
import { formatProblem } from '../../server/config/problem.ts';

const CHECKS = {
  parsePublicLine: () => ({ kind: 'invalid', why: 'no keys in this test' }) as const,
  readRevocations: (bytes: Buffer) => ({ kind: 'list', bytes, warning: null }) as const,
  maxRevocationBytes: 1024,
  compilePolicy: () => ({ kind: 'ok', warnings: () => [] }) as const,
};

describe('loading the configuration', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-config-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function linesFor(path: string): Promise<readonly string[]> {
    const outcome = await loadDocument(path, CHECKS);
    const found = outcome.kind === 'ok' ? outcome.warnings : outcome.problems;
    return found.map((problem) => formatProblem(problem).replaceAll(folder, 'DIR'));
  }

  it('reads one file, whatever its name', async () => {
    const file = join(folder, 'bastion.conf');
    await writeFile(file, 'principals: [{name: alice, kind: human}]\n');
    const outcome = await loadDocument(file, CHECKS);
    assert.ok(outcome.kind === 'ok');
    assert.equal(outcome.document.principals[0]?.name, 'alice');
  });

  it('reads the YAML files of a folder in name order, and follows links to them', async () => {
    await writeFile(join(folder, '20.yml'), 'principals: [{name: bob, kind: human}]\n');
    await writeFile(join(folder, '10.yaml'), 'principals: [{name: alice, kind: human}]\n');
    await writeFile(join(folder, 'notes.txt'), 'not: [yaml');
    await writeFile(join(folder, '.hidden.yaml'), 'not: [yaml');
    await writeFile(join(folder, 'elsewhere'), 'principals: [{name: carol, kind: human}]\n');
    await symlink('elsewhere', join(folder, '30.yaml'));
    const outcome = await loadDocument(folder, CHECKS);
    assert.ok(outcome.kind === 'ok');
    assert.deepEqual(
      outcome.document.principals.map(({ name }) => name),
      ['alice', 'bob', 'carol'],
    );
  });

  it('says so when a folder holds folders that it leaves alone', async () => {
    await writeFile(join(folder, 'a.yaml'), '');
    await mkdir(join(folder, 'more'));
    assert.deepEqual(await linesFor(folder), [
      'DIR/more:1:1: folders in the folder are not read (move its files up)',
    ]);
  });

  it('names the file of a mistake', async () => {
    await writeFile(join(folder, 'a.yaml'), 'principals: []\n');
    await writeFile(join(folder, 'b.yaml'), '\n  grant: []\n');
    assert.deepEqual(await linesFor(folder), [
      'DIR/b.yaml:2:3: unknown key "grant" (did you mean grants?)',
    ]);
  });

  it('tells what is missing, empty, too large, not text or not a file', async () => {
    assert.deepEqual(await linesFor(join(folder, 'none')), [
      'DIR/none:1:1: there is no such file or folder (correct the path)',
    ]);
    assert.deepEqual(await linesFor(folder), [
      'DIR:1:1: the folder holds no .yaml or .yml file (put one there)',
    ]);
    const large = join(folder, 'large.yaml');
    await writeFile(large, '');
    await truncate(large, MAX_CONFIG_FILE_BYTES + 1);
    assert.deepEqual(await linesFor(large), [
      'DIR/large.yaml:1:1: the file has 4194305 bytes, more than 4194304 (split it into a folder of files)',
    ]);
    await rm(large);
    await writeFile(join(folder, 'latin1.yaml'), Buffer.from('# caf\xe9\n', 'latin1'));
    await mkdir(join(folder, 'z.yaml'));
    assert.deepEqual(await linesFor(folder), [
      'DIR/latin1.yaml:1:1: the file is not valid UTF-8 (save it as UTF-8)',
      'DIR/z.yaml:1:1: is no regular file (give a YAML file)',
    ]);
  });
});
