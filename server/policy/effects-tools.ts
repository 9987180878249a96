/**
 * What further programs do to the files that their words name, as data: looking at hosts, networks and
 * packages, clients of services, compilers, tests and formatters, documents. Most of them touch none.
 * The form is that of `effects-table.ts`, whose lines win. Not caught here: files that such programs
 * reach by configuration, and what the projects that they build or test do.
 */
export const TOOL_EFFECTS = `
antiword catdoc cloc diffoscope dtc exif fdtdump gcov glow gprof gron htmlq jc jhead jless mdcat onefetch pahole pup scc sexp sloccount tidy tokei xidel: r -o=w --output=w
lzegrep lzfgrep sgrep zipgrep: r skip=1 unless=-e,-f,--regexp,--file -f=r --file=r
csvclean csvformat csvpy csvsql csvstack miller octosql sqlite-utils textql trdsql: r -o=w
unoconv: rw
acpi apg ascii bmon bpytop bwm-ng ctstat dfc diceware dnsdomainname domainname dstat dysk errno getconf getopt gtop hwclock hwinfo iftop infocmp ipcmk ipcrm ipcs lnstat login lsb_release lscgroup lsfd lsinitramfs lsinitrd lsirq lslocks lslogins makepasswd mcookie modinfo nethogs nisdomainname nload nstat nvidia-smi nvtop pidstat pidwait pldd pmap powertop pwdx pwgen pydf radeontop readprofile renice rfkill rocm-smi rtcwake rtstat sensors sensors-detect setterm skill slabtop snice sockstat tabs tload toe tuptime turbostat units upower uprecords uuid uuidgen uuidparse xkcdpass ypdomainname ytop: -
dbus-cleanup-sockets dbus-monitor monit oomctl qdbus rc-status sv systemd-ask-password systemd-delta systemd-detect-virt systemd-escape systemd-id128 systemd-notify systemd-path systemd-resolve udevadm userdbctl: -
ab avahi-browse avahi-browse-domains avahi-resolve brctl chronyc cloudflared conntrack delv devlink doggo etherwake exportfs hey httping ifconfig ifdown ifup ipcalc iperf iperf3 iwctl iwlist mii-tool netplan nfsstat ngrok nmblookup nmcli nmtui ntpdate ntpq ntpstat rdma rndc rpcinfo showmount siege sipcalc snmpget snmpwalk speedtest speedtest-cli tailscale tcptraceroute tipc vegeta wakeonlan wol wrk zerotier-cli: -
ipset-restore loadkeys named-checkconf named-checkzone newaliases: r
aa-enabled aa-status faillog getenforce groupmems seinfo semanage sesearch sestatus setenforce: -
add-apt-repository apt-add-repository apt-cache apt-cdrom apt-config apt-file apt-key apt-mark checkrestart choco debconf-show dpkg-reconfigure equery guix ldconfig locale-gen mandb mas microdnf nala needrestart nix-env port repoquery rpm-ostree select-editor tlmgr tzselect update-ca-certificates update-grub update-initramfs winget xbps-query: -
7zip: r
git-lfs gitk gitui lazygit tig: -
ansible-doc ansible-inventory b2 cdk cf cilium cosign crane eb eksctl exo fly flyctl govc helmfile heroku ibmcloud istioctl k0s k3d knife kops kubeadm linkerd oras packer puppet pveam pvecm pvesh pvesm pveum rabbitmq-diagnostics rabbitmq-plugins rabbitmqctl salt-key sam scw serverless sls stern supabase talosctl terragrunt vault velero vercel waypoint wrangler xe xl: -
amtool bandit checkov codespell conftest gitleaks grype markdownlint opa promtool semgrep snyk syft tfsec trivy trufflehog typos vale: r -o=w
biome buf dprint gofumpt goimports ktlint php-cs-fixer phpcbf phpcs pyupgrade rustfmt scalafmt sqlfluff standard stylelint stylua swiftformat terraform-docs: rw -o=w
ava clang-tidy cppcheck cucumber cypress golangci-lint golint gosec gotestsum govulncheck jest karma mocha nose2 phpstan phpunit playwright prove psalm py.test pycodestyle pydocstyle pyright pytest rspec staticcheck vitest vulture: r -o=w
alembic autoconf automake autoreconf babel buck buck2 configure corepack cpack ctest daphne dart django-admin dotnet eleventy esbuild fastlane flask flutter gatsby ghcup grunt gulp gunicorn hexo hugo hypercorn jekyll llvm-config mkdocs msbuild next ng nuget nuxt parcel pg_config pkg-config pkgconf pod python3-config rails rebar3 rollup scons sphinx-build swc swift symfony tsup turbo uvicorn vite vue webpack wp xcodebuild xml2-config: -
bison c89-gcc c99-gcc dmd dot doxygen flex gfortran neato nvcc ocamlopt plantuml protoc swiftc yacc: r -o=w
elfedit gcc-ar gcc-nm gcc-ranlib jar jarsigner ranlib: rw
javadoc javap jcmd jconsole jdeps jinfo jmap jps jstack jstat: -
acme.sh cancel certbot cupsctl doveadm dovecot fail2ban-client grafana-cli kafka-console-consumer kafka-topics logwatch lpq lpstat mailq mariadbd memcached mongod mosquitto_pub mosquitto_sub mysqld nats php-fpm postgres postqueue prometheus redis-benchmark squid sshd supervisord valkey-cli valkey-server varnishadm varnishstat: - -f=r
mongostat mongotop mysqlcheck mysqlshow mysqlslap nodetool pg_amcheck pg_ctl pg_ctlcluster pg_lsclusters pgbench vacuumlo: - -f=r -l=w
eog evince exiv2 feh ffplay mplayer mpv mupdf open pager sensible-pager vlc xdg-open: r
inkscape pdfimages pdftocairo pdftoppm ps2pdf qpdf rsvg-convert tesseract wkhtmltopdf: r>w -o=w
asciidoctor cmark cwebp dwebp gs img2pdf markdown: r -o=w --output=w
streamlink: - -o=w -d=w
grpcurl: - -o=w
alsamixer amixer brightnessctl calcurse clear_console cmatrix fastfetch gcal kdialog khal lesskey neofetch pactl pamixer playerctl screenfetch sl starship task timew todo.sh wmctrl xclip xdpyinfo xhost xprop xrandr xsel xset xwininfo: -
grub-mkconfig grub-mkrescue grub2-mkconfig: - -o=w --output=w
dconf grub-editenv grub-file grub-probe gsettings os-prober portageq update-mime-database xdg-mime xdg-settings xdg-user-dir: -
cfssl gpgconf mkcert step: -
fdupes jdupes rdfind: r tree=-r,-R,--recurse with=-d:d with=--delete:d with=-deleteduplicates:d
rmlint: r tree
cgdisk mkfs.exfat: wd
e2freefrag fincore isosize lvchange lvdisplay lvmconfig lvmdevices lvrename lvscan partx pvdisplay pvmove pvresize pvscan quota quotacheck quotaoff quotaon repquota smartctl vgcfgbackup vgchange vgdisplay vgrename vgscan xfs_info: r
lvreduce: wd
e2image: r>w
dmstats duc efibootmgr hd-idle ippeveprinter udisksctl: -
dump.exfat extundelete grub-mount linux-boot-prober lvmpersist pmount systemd-cryptsetup udiskie-mount: r
e4defrag: w without=-c:w
ioping: r with=-W:wd with=-WW:wd with=-WWW:wd
mount.steamos: r>w
pvck: r with=--repair:w with=--repairtype:w
setfiles: w skip=1
`;
