# On top of an organiser's image, what real servers surprise with. Counts from the next boot on.
set -e
chsh -s /usr/bin/fish isucon
# Somebody has logged in before: fish 4 makes its folders at the first login, whatever that is for.
su - isucon -c true
printf 'Authorised users only.\n' > /etc/issue.net; printf 'Banner /etc/issue.net\n' > /etc/ssh/sshd_config.d/50-banner.conf
printf 'echo "welcome to $(hostname)"\n' >> /home/isucon/.bashrc
printf '#!/bin/sh\nprintf "\\033[1m*** notes ***\\033[0m\\n"\n' > /etc/update-motd.d/99-team; chmod 755 /etc/update-motd.d/99-team
# sshd by socket activation, as Ubuntu has it since 22.10.
systemctl disable -q ssh.service; systemctl enable -q ssh.socket
# A user whose group and home are not named after it.
groupadd -f staff2; useradd -m -d /srv/deploy -g staff2 -s /bin/bash deploy
# The team keeps /etc/nginx in git, by a link.
install -d -o isucon -g isucon /home/isucon/etc; cp -a /etc/nginx /home/isucon/etc/nginx; rm -rf /etc/nginx; ln -s /home/isucon/etc/nginx /etc/nginx
mariadb -e "ALTER USER root@localhost IDENTIFIED BY 'secret root'"; printf '[client]\nuser=root\npassword="secret root"\n' > /root/.my.cnf; chmod 600 /root/.my.cnf
apt-mark -q hold nginx nginx-common
printf 'http_proxy=http://192.0.2.1:3128\nQUOTING_STYLE=c\n' >> /etc/environment
ln -sfn /usr/share/zoneinfo/Asia/Tokyo /etc/localtime
printf 'Defaults use_pty\n' > /etc/sudoers.d/00-pty; chmod 440 /etc/sudoers.d/00-pty
