import assert from 'node:assert/strict';
import { runInput } from '../support/running-session.ts';

/** Commands of a request without a terminal whose input is read as commands. */
const READ =
  'bash, sudo sh, docker exec -i c sh, kubectl exec -i p -- bash -s, ssh other, at now, su - postgres, ' +
  'psql -d x -U y, sudo -u postgres psql, mysql --batch db, sqlite3 f';
/** Its input is code that can't be read: asked before the first byte. */
const ASKED =
  'cat | sh, tee x | bash, base64 -d | sh, psql; bash, fish, tcsh, python3 -, perl, node, ruby, php, irb, ' +
  'tclsh, m4, ts-node, ed file, ex -s, vim -es file, gdb -q, dc, ftp host, sftp host, lftp, mongosh, ' +
  'redis-cli, crontab -, make -f -, xargs rm, xargs -0 rm -rf, parallel, ansible-playbook /dev/stdin, ' +
  'systemd-tmpfiles --remove /dev/stdin, deno run -';
/** Its input is data. */
const DATA =
  'cat > f, cat > /etc/x, tee /data/x, dd of=/tmp/x, wc -c, gzip -d, tar x -C /srv, cpio -i, sort, jq ., ' +
  'patch -p1, git apply, kubectl apply -f -, docker load, redis-cli get x, mongosh --eval 1, ' +
  'gdb -batch -p 1, vim -es -c wq f, ex -s -c x f, ansible-playbook site.yml, bc, sudo tee /etc/hosts, ' +
  'pg_restore -d x, mail root';

/** Refused if it is read as a shell's or as SQL, and passed if it is data. */
const INPUT = Buffer.from('rm -rf /data/x; drop database x;\n\0\xff');

describe('session: what the input is for its reader', () => {
  for (const command of READ.split(', ')) {
    it(`reads what ${command} runs`, async () => {
      const { sent, verdicts } = await runInput(command, INPUT);
      assert.equal(sent.length, 0);
      assert.deepEqual([verdicts[0], verdicts.length], ['allow', 2]);
    });
  }

  for (const command of ASKED.split(', ')) {
    it(`asks before ${command}`, async () => {
      const { sent, verdicts } = await runInput(command, INPUT);
      assert.equal(sent.length, 0);
      assert.deepEqual(verdicts, ['hold']);
    });
  }

  for (const command of DATA.split(', ')) {
    it(`leaves alone what ${command} reads`, async () => {
      const { sent, verdicts } = await runInput(command, INPUT);
      assert.ok(sent.equals(INPUT));
      assert.deepEqual(verdicts, ['allow']);
    });
  }
});
