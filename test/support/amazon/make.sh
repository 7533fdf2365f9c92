# Makes a practice machine one with dnf: Debian's own dnf and rpm over a repository of packages that are made here, with Amazon Linux's names,
# files, accounts and units, and the programs of Debian's packages in them. apt goes out of sight.
set -eu
export LC_ALL=C.UTF-8
work=/root/rpms repo=/srv/repo
mkdir -p "$work/SPECS" "$work/files" "$repo"
# NAME VERSION, further lines of the head, lines of %files, shell text that fills %{buildroot}, and further sections.
package() {
  cat > "$work/SPECS/$1.spec" << SPEC
Name: $1
Version: $2
Release: 1.amzn2023.0.1
Summary: $1
License: MIT
AutoReqProv: no
%define __os_install_post %{nil}
%define debug_package %{nil}
${3:-}
%description
$1
%install
mkdir -p %{buildroot}/usr/share/doc/$1
echo $2 > %{buildroot}/usr/share/doc/$1/version
${5:-}
${6:-}
%files
/usr/share/doc/$1/version
${4:-}
SPEC
  rpmbuild --quiet --define "_topdir $work" -bb "$work/SPECS/$1.spec" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
for name in ca-certificates git htop jq less rsync strace sysstat vim-minimal sudo tzdata openssl weak-x nginx-filesystem; do package "$name" 1.0; done
# What every package there needs, and what each image has.
package filesystem 3 'Provides: /bin/sh'
package curl-minimal 8.5.0 'Provides: curl'
# As Red Hat's: no folders of sites, an account of its own, no start at the installation.
package nginx 1.26.3 'Requires: nginx-filesystem
Requires(pre): /bin/sh
Recommends: weak-x' '/usr/sbin/nginx
%config(noreplace) /etc/nginx/nginx.conf
%config(noreplace) /etc/nginx/mime.types
%dir /etc/nginx
%dir /etc/nginx/conf.d
%dir /usr/share/nginx/modules
/usr/lib/systemd/system/nginx.service
%attr(0770,nginx,root) %dir /var/lib/nginx
%attr(0711,root,root) %dir /var/log/nginx' 'cd %{buildroot}
mkdir -p usr/sbin etc/nginx/conf.d usr/share/nginx/modules usr/lib/systemd/system var/lib/nginx var/log/nginx
cp /usr/sbin/nginx usr/sbin/; cp /etc/nginx/mime.types etc/nginx/
printf "user nginx;\nevents {}\nhttp { include /etc/nginx/conf.d/*.conf; }\n" > etc/nginx/nginx.conf
printf "[Service]\nType=forking\nPIDFile=/run/nginx.pid\nExecStart=/usr/sbin/nginx\nExecReload=/bin/kill -HUP \$MAINPID\nKillMode=mixed\n[Install]\nWantedBy=multi-user.target\n" > usr/lib/systemd/system/nginx.service' '%pre
getent group nginx > /dev/null || groupadd -r nginx
getent passwd nginx > /dev/null || useradd -r -g nginx -d /var/lib/nginx -s /usr/sbin/nologin nginx
%post
systemctl daemon-reload
%preun
[ $1 != 0 ] || systemctl --no-reload disable --now nginx.service
%postun
systemctl daemon-reload'
package memcached 1.6.15 'Requires(pre): /bin/sh' '/usr/bin/memcached
%config(noreplace) /etc/sysconfig/memcached
/usr/lib/systemd/system/memcached.service' 'cd %{buildroot}
mkdir -p usr/bin etc/sysconfig usr/lib/systemd/system
cp /usr/bin/memcached usr/bin/
printf "PORT=\"11211\"\nUSER=\"memcached\"\nMAXCONN=\"1024\"\nCACHESIZE=\"64\"\nOPTIONS=\"-l 127.0.0.1\"\n" > etc/sysconfig/memcached
printf "[Service]\nEnvironmentFile=/etc/sysconfig/memcached\nExecStart=/usr/bin/memcached -p \${PORT} -u \${USER} -m \${CACHESIZE} -c \${MAXCONN} \$OPTIONS\n[Install]\nWantedBy=multi-user.target\n" > usr/lib/systemd/system/memcached.service' '%pre
getent group memcached > /dev/null || groupadd -r memcached
getent passwd memcached > /dev/null || useradd -r -g memcached -d /run/memcached -s /usr/sbin/nologin memcached
%post
systemctl daemon-reload
%preun
[ $1 != 0 ] || systemctl --no-reload disable --now memcached.service
%postun
systemctl daemon-reload'
package cronie 1.5.7 '' '/usr/lib/systemd/system/crond.service' 'mkdir -p %{buildroot}/usr/lib/systemd/system
printf "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n" > %{buildroot}/usr/lib/systemd/system/crond.service'
package libtool-x 1.0
package tool-x 1.0 'Requires: libtool-x
Recommends: weak-x' '%config(noreplace) /etc/tool-x.conf' 'mkdir -p %{buildroot}/etc; echo shipped > %{buildroot}/etc/tool-x.conf'
package tool-x 2.0 'Requires: libtool-x' '%config(noreplace) /etc/tool-x.conf' 'mkdir -p %{buildroot}/etc; echo shipped > %{buildroot}/etc/tool-x.conf'
find "$work/RPMS" -name '*.rpm' -exec mv -t "$repo" {} +
rm -rf "$work"
createrepo_c -q "$repo"
mkdir -p /etc/yum.repos.d
printf '[local]\nname=local\nbaseurl=file://%s\ngpgcheck=0\n' "$repo" > /etc/yum.repos.d/local.repo
# The programs are the RPMs' from now on; the libraries stay.
systemctl disable --now nginx memcached > /dev/null 2>&1
export DEBIAN_FRONTEND=noninteractive
dpkg --force-depends -P nginx nginx-common memcached > /dev/null 2>&1
rm -rf /etc/nginx /var/lib/nginx /var/log/nginx
printf 'ID="amzn"\nVERSION_ID="2023"\nID_LIKE="fedora"\n' > /etc/os-release.new
rm -f /etc/os-release; mv /etc/os-release.new /etc/os-release
mkdir -p /root/debian
for each in apt-get apt-cache apt-mark apt dpkg dpkg-query dpkg-deb; do mv "/usr/bin/$each" /root/debian/; done
systemctl disable --now apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer > /dev/null 2>&1 || :
dnf -q -y install filesystem curl-minimal > /dev/null 2>&1
rpm -q filesystem curl-minimal > /dev/null
