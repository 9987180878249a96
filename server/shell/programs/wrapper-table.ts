/**
 * Programs that run another program named or written in their own words, as data. Not caught here:
 * programs that the table doesn't name; `operands.ts` looks at those.
 *
 * A line is `programs: [subcommand…] how [more…]`; a subcommand may have alternatives (`exec/x`) or be
 * any word (`*`), and the first line that fits counts, but for `none`. How the command follows: `words` the rest of the
 * words are the command, `text` they are one program text, `dash` what stands behind `--` is the
 * command, `dashtext` it is text, `each` every operand is a text of its own, `none` only options count.
 * `+N`: N operands of the program's own come before. More:
 * `takes=abc:long,long:single` options with a value, where the table of options doesn't name the program;
 * `single` ones are long with one dash;
 * `pairs=long,long` options with two values; `text=-c,--call` options whose value is program text;
 * `exec=--exec` an option whose value is the program, `exec=-e` one with the whole command behind it;
 * `cwd=-C,--chdir` an option that sets the directory; `mounts=-v` one that shows a directory of the host; `shell` a shell runs when no command is given, and
 * with `shell=-s` when that option is given; `away` it runs on another host or in a container;
 * `unless=-p` with one of these options nothing is run.
 */
export const WRAPPERS = `
nohup setsid chronic ifne unbuffer eatmydata torsocks torify catchsegv time: words
proxychains proxychains4: words takes=f
nice ionice stdbuf strace ltrace pkexec choom uclampset prlimit setpriv catatonit fakechroot noglob nocorrect: words
noglob nocorrect - systemd-inhibit systemd-cat busybox toybox coproc nocache primusrun optirun prime-run: words
gamemoderun mangohud vglrun ld.so ld-linux.so.2 s6-setsid pgrphack fghack run-one run-this-one keep-one-running: words
ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 ld-musl-x86_64.so.1: words takes=:library-path,preload,audit,argv0,inhibit-rpath,glibc-hwcaps-prepend,glibc-hwcaps-mask
with-contenv s6-background cross-env cross-env-shell with-env ssh-agent gpg-agent sem lima: words takes=ajLaEtP
timeout taskset gosu su-exec chrt faketime envuidgid setuidgid s6-setuidgid s6-envuidgid setuser repeat: words+1
chroot: words+1 shell
unshare: words shell cwd=-w,--wd
nsenter: words shell
fakeroot fakeroot-sysv fakeroot-tcp: words shell takes=lisb:lib,faked
run0: words shell cwd=-D,--chdir
systemd-run: words cwd=--working-directory shell=-S,--shell
dbus-run-session: words shell takes=:config-file,dbus-daemon
dbus-launch: words takes=:autolaunch
cgexec: words takes=g
numactl: words takes=imNCpwofLMS:interleave,membind,cpunodebind,physcpubind,preferred,weighted-interleave,shm,file,length,offset,shmmode unless=-s,--show,-H,--hardware
xvfb-run: words takes=efnpsw:auth-file,error-file,server-num,xauth-protocol,server-args,wait
rlwrap: words takes=bCDfgHlMOPpqSstwz:break-chars,command-name,history-no-dupes,file,forget-matching,history-filename,logfile,history-size,quote-characters,substitute-prompt,filter
tini docker-init: words takes=pe
dumb-init: words takes=r:rewrite
daemonize: words takes=ceoEplu cwd=-c
daemon: words takes=nuDoOlLFEeXC:name,user,chdir,output,stdout,stderr,pidfile,env,attempts,delay,limit,command cwd=-D,--chdir text=-X,--command
chpst: words takes=uUbemdopfcrtl/n
softlimit s6-softlimit: words takes=acdfhlmnoprst
envdir s6-envdir s6-setlock setlock env-cmd: words+1 takes=tdf
lckdo: words+1 takes=W
lockrun: words takes=L:lockfile,maxtime
with-lock-ex dotlockfile: words+1
logsave: words+1
argv0: words+2
cpulimit: words takes=lpePm:limit,pid,exe,path
ts tsp: words takes=LDNtcorsSiwuKkpClO unless=-l,-C,-k,-h,-K
nq: words unless=-w,-t
trickle: words takes=dulwtLNp
retry: words takes=tmdsl:times,max,delay,until,while,min
timelimit: words takes=tTsS
multitime: words takes=nsiIqrbe
schedtool: words takes=pamn exec=-e
aa-exec: words takes=pni:profile,namespace
runcon: words+1
minijail0: words takes=ugcCbfkmrvPSTVeaA
nsjail: dash
proot: words takes=rbqwkic:rootfs,bind,qemu,cwd,pwd cwd=-w,--cwd,--pwd mounts=-b,--bind
schroot dchroot: dash shell away takes=csndpu
arch-chroot: words+1 shell takes=u
systemd-nspawn: words takes=DMupiSLZEHk:directory,machine,user,image,bind,bind-ro,setenv,template,uuid,slice,property,capability,drop-capability,network-interface,network-macvlan,network-bridge,port,tmpfs,overlay,hostname,chdir,kill-signal,rlimit,console,settings,volatile,register,link-journal,personality,resolv-conf,timezone cwd=--chdir mounts=--bind,--bind-ro
bwrap: words takes=:args,exec-label,file-label,argv0,userns,userns2,pidns,uid,gid,hostname,chdir,unsetenv,lock-file,sync-fd,remount-ro,proc,dev,tmpfs,mqueue,dir,seccomp,add-seccomp-fd,block-fd,userns-block-fd,info-fd,json-status-fd,cap-add,cap-drop,perms,size pairs=bind,bind-try,dev-bind,dev-bind-try,ro-bind,ro-bind-try,symlink,file,bind-data,ro-bind-data,setenv,chmod cwd=--chdir mounts=--bind,--bind-try,--dev-bind,--dev-bind-try,--ro-bind,--ro-bind-try
firejail: words shell
valgrind: words
perf: stat/record/trace words takes=eoICrxptuFcjmDb:event,output,repeat,cpu,pid,tid,interval-print,field-separator,delay,count,freq,call-graph,mmap-pages,branch-filter,control,cgroup,timeout,uid
perf: bench/kvm/mem/lock/sched/c2c * words
rr heaptrack uftrace: record words
ip: netns/vrf exec words+1 takes=n:netns
authbind: words takes=:depth
xinit: words
xterm uxterm rxvt urxvt lxterm st alacritty kitty: words exec=-e,--command
gnome-terminal terminator: dash exec=-x,--execute text=-e,--command
konsole xfce4-terminal: none exec=-x,-e text=--command
qemu-x86_64 qemu-x86_64-static qemu-aarch64 qemu-arm qemu-aarch64-static: words takes=0LEgs
entr: words text=-s
hyperfine: each takes=wrmMpscCSunLPD:warmup,runs,min-runs,max-runs,prepare,setup,cleanup,conclude,shell,parameter-list,parameter-scan,export-json,export-csv,export-markdown,style,time-unit,command-name,output,input text=-p,--prepare,-s,--setup,-c,--cleanup,-C,--conclude
poop: each takes=d
watchexec reflex: words takes=ewsfigrRoWd:exts,watch,signal,filter,ignore,regex,glob,project-origin,workdir
nodemon: none takes=wei:watch,ext,ignore text=-x,--exec
when-changed: words+1 text=-c
concurrently: each takes=ncpl:names,prefix-colors
foreman honcho: run words takes=e:env
pm2: start each takes=ni:name,interpreter
cset: shield/proc none exec=-e,--exec
srun salloc mpirun mpiexec mpiexec.hydra orterun: words takes=nNcpwtJAoDHx:ntasks,nodes,partition,time,job-name,account,host,hostfile,np,nodelist,cpus-per-task,output:np,hostfile,host,machinefile,wdir,env,genv,ppn
sbatch: none takes=: text=--wrap
turbostat: words
bpftrace: none text=-c
bear: dash
scan-build intercept-build: words takes=o
ccache distcc sccache: words
npm pnpm: exec/x words takes=wpC:workspace,package,prefix,filter,dir text=-c,--call
npx bunx pnpx: words takes=pw:package,workspace text=-c,--call
pnpm: dlx words takes=p:package
yarn: exec/dlx/x words takes=p:package
bun: x words
poetry pipenv pdm rye hatch uv: run words takes=pPeC:with,python,package,project,env-file,extra,group,directory,index cwd=--directory
uvx pipx: words takes=:from,with,spec,python
tox: exec dash takes=e
conda mamba micromamba: run words takes=np:name,prefix,cwd cwd=--cwd
bundle: exec words takes=:gemfile
rbenv pyenv nodenv jenv goenv plenv asdf: exec words
rvm nvm fnm n: do/exec words takes=:using
rvm nvm: * do/exec words
nvm: exec words+1
volta: run words takes=:node,npm,yarn
mise rtx: exec/x dash text=-c,--command
opam stack cabal dune: exec/exec-- words takes=:switch
nix-shell: none takes=pIA:packages,attr,arg,argstr text=--run,--command
nix: develop/shell/run/env none exec=-c,--command
nix: run dash
guix: shell/environment dash
flox: activate dash
devbox: run words
devenv: shell/exec words
scl: enable * text
direnv: exec words+1
dotenv: run words takes=fe:file
dotenv: words takes=fec:file
dotenvx op doppler infisical teller summon berglas: run words takes=fepc:env-file,account,project,config,token,env,path text=--command
summon: words takes=fpDe
chamber: exec dash
aws-vault saml2aws aws-okta granted: exec words+1 shell takes=adn:duration,region,mfa-token,profile,backend,account
vault-env envchain envkey-source: words
envchain: words+1
envconsul: words takes=::prefix,config,secret,consul-addr,vault-addr,log-level text=-exec,--exec
consul: lock text+1 takes=n:name,timeout:name,n,timeout,token,http-addr,monitor-retry
consul: exec text takes=:node,service,tag,prefix,datacenter:node,service,tag,prefix,datacenter,token,http-addr away
consul: watch words takes=:type,key,prefix,name,service,tag,datacenter,http-addr,token:type,key,prefix,name,service,tag,datacenter,http-addr,token,state,passingonly,shell
etcdctl: watch dash
etcdctl: exec-watch/lock words+1
sops: exec-env/exec-file text+1 takes=:input-type,filename,user
go: run/test/build none takes=: text=-exec,-toolexec
bazel: run none text=--run_under
flatpak: run words+1 exec=--command takes=:branch,arch,cwd cwd=--cwd
flatpak-spawn: words cwd=--directory
snap: run words takes=:shell
toolbox: run words takes=crd:container,release,distro
distrobox: enter dash shell away takes=na
distrobox-enter: dash shell away
limactl: shell words+1 shell away takes=:workdir,shell
colima: ssh dash shell away takes=p:profile
minikube: ssh dash shell away takes=pn:profile,node
minikube: ssh text shell away takes=pn:profile,node
orb orbctl: words takes=muw:machine,user,workdir away
wsl: words exec=-e,--exec takes=du:distribution,user,cd cwd=--cd
multipass: exec dash away
docker-machine: ssh text+1 away
vagrant: ssh none text=-c,--command away
vagrant: ssh dashtext away
gcloud: beta/alpha compute ssh none text=--command away
gcloud: compute ssh none text=--command away
gcloud: compute ssh dashtext away
az: vm run-command invoke none text=--scripts away
az: ssh vm dashtext away
az: container exec none text=--exec-command away
aws: ecs execute-command none text=--command away
fly flyctl: ssh console none takes=a:app text=-C,--command away
fly flyctl: machine exec text+1 away
fly flyctl: machine run words+1 takes=a:app away
heroku scalingo: run/run:detached text takes=arst:app,remote,size,type away
heroku: ps:exec/ps:ssh dashtext away
dokku: run/run:detached text+1 takes=e:env away
dokku: enter words+2 away
railway: run words
cf: ssh none takes=i text=-c,--command away
eb: ssh none text=-c,--command away
copilot: svc/task/job exec none text=-c,--command away
platform terminus: ssh text takes=pe away
knife: ssh text+1 takes=aiPx:attribute,ssh-user away
bolt: command run text takes=tuin:targets,user away
pyinfra: * exec dashtext away
fab: dashtext takes=Hi:hosts away
tsh: ssh text+1 takes=lpi:login,port,cluster,proxy away
coder: ssh text+1 away
waypoint: exec dash shell away
okteto: exec words takes=nk:namespace,context away
skaffold devspace: exec/enter dash away
telepresence: connect/intercept dash
nomad: alloc exec words+1 takes=e:task,job,region,namespace:task,job,region,namespace,address,token away
nomad: exec words+1 takes=e:task,job,region,namespace:task,job,region,namespace,address,token away
lxc-attach lxc-execute lxc-start: dash shell away takes=nfseLvP:name,rcfile
lxc-attach lxc-execute: words shell away takes=nfseLvP:name,rcfile
buildah: unshare words shell
buildah: run words+1 takes=vu:user,volume,runtime,workingdir away mounts=-v,--volume
podman: unshare words shell
runc crun: exec words+1 takes=eupg:env,user,cwd,pid-file,process,console-socket,cap cwd=--cwd away
ctr: task/tasks/t exec words+1 takes=an:exec-id,address,namespace,user,cwd,fifo-dir,log-uri away
ctr: run words+2 takes=an:address,namespace,mount,env,cwd,user,runtime,label,snapshotter,platform away mounts=--mount
apptainer singularity: exec/run/shell words+1 takes=BHWpS:bind,home,workdir,pwd,env,env-file,overlay,scratch,mount cwd=--pwd away mounts=-B,--bind
udocker charliecloud enroot: run/start words+1 away mounts=-v,--volume
ch-run: words+1 takes=bgusw:bind,cd,set-env away mounts=-b,--bind
qm: guest exec dash away
qm: guest exec words+1 takes=:timeout,synchronous away
virt-customize virt-builder: none text=--run-command,--firstboot-command away
sshpass: words takes=pfdP
pidstat: none exec=-e
caffeinate: words takes=tw
`;
