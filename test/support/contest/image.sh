# What an organiser leaves on each server: nginx before an application before a database, and things that nobody may touch.
set -e
install -d -o isucon -g isucon /home/isucon/webapp /home/isucon/webapp/public /home/isucon/webapp/sql
chmod 755 /home/isucon
cat > /home/isucon/webapp/app.py <<'X'
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (os.environ.get("CONTEST_NAME", "none") + "\n").encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
X
printf '<!doctype html><title>notes</title>\n' > /home/isucon/webapp/public/index.html
printf 'CONTEST_NAME="notes"\nCONTEST_DB_HOST="127.0.0.1"\nCONTEST_INTERVAL=0.5\n' > /home/isucon/env.sh
chown -R isucon:isucon /home/isucon/webapp /home/isucon/env.sh
chmod 640 /home/isucon/env.sh
cat > /etc/systemd/system/notes-python.service <<'X'
[Unit]
After=mariadb.service
[Service]
WorkingDirectory=/home/isucon/webapp
EnvironmentFile=/home/isucon/env.sh
User=isucon
Group=isucon
ExecStart=/usr/bin/python3 /home/isucon/webapp/app.py
Restart=on-failure
RestartSec=5
[Install]
WantedBy=multi-user.target
X
# The same in another language: there, and off.
printf '[Service]\nUser=isucon\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/notes.sh.service
printf '[Service]\nUser=isucon\nEnvironmentFile=/home/isucon/env.sh\nExecStart=/bin/sh -c "while :; do sleep $CONTEST_INTERVAL; done"\nRestart=always\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/notes-matcher.service
mkdir -p /opt/checker; printf '#!/bin/sh\necho ok\n' > /opt/checker/check; chmod 750 /opt/checker/check
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/opt/checker/check\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/envcheck.service
useradd -m -u 1110 -s /bin/bash isuadmin; echo 'isuadmin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/isuadmin; chmod 440 /etc/sudoers.d/isuadmin
mkdir -p /etc/nginx/tls; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=notes.example -keyout /etc/nginx/tls/notes.key -out /etc/nginx/tls/notes.crt 2> /dev/null
chmod 600 /etc/nginx/tls/notes.key
printf 'proxy_set_header Host $host;\n' > /etc/nginx/snippets/app-proxy.conf
cat > /etc/nginx/sites-available/notes.conf <<'X'
upstream app { server 127.0.0.1:8080; }
server {
  listen 80 default_server;
  listen 443 ssl;
  ssl_certificate /etc/nginx/tls/notes.crt;
  ssl_certificate_key /etc/nginx/tls/notes.key;
  root /home/isucon/webapp/public;
  location ~ ^/(api|initialize) { include snippets/app-proxy.conf; proxy_pass http://app; }
  location / { try_files $uri /index.html; }
}
X
rm -f /etc/nginx/sites-enabled/default; ln -s ../sites-available/notes.conf /etc/nginx/sites-enabled/notes.conf
sed -i 's/worker_connections 768;/worker_connections 1024;/; s/^user www-data;/user isucon;/' /etc/nginx/nginx.conf
sed -i 's/^#*max_connections.*/max_connections = 151/' /etc/mysql/mariadb.conf.d/50-server.cnf
printf '[mysqld]\ninnodb_flush_log_at_trx_commit = 1\nmax_allowed_packet = 32M\n' > /etc/mysql/mariadb.conf.d/99-isucon.cnf
printf 'net.core.somaxconn = 1024\nnet.ipv4.ip_local_port_range = 10000 65535\n' > /etc/sysctl.d/99-isucon.conf; sysctl -q -p /etc/sysctl.d/99-isucon.conf
printf '* soft nofile 65536\n* hard nofile 65536\n' > /etc/security/limits.d/isucon.conf
printf '127.0.0.1 localhost\n127.0.1.1 %s\n192.0.2.10 bench\n' "$(hostname)" > /etc/hosts
install -d /var/spool/cron/crontabs; printf '5 4 * * * true\n' > /var/spool/cron/crontabs/isucon
systemctl daemon-reload; systemctl restart mariadb
mariadb -e "CREATE DATABASE notes; CREATE USER isucon@'%' IDENTIFIED BY 'isucon'; GRANT ALL ON notes.* TO isucon@'%'; CREATE TABLE notes.note AS SELECT seq AS id, repeat('n', 60) AS body FROM mysql.help_topic, (SELECT 1 seq) one LIMIT 500"
systemctl enable -q --now notes-python notes-matcher envcheck; systemctl enable -q nginx mariadb; systemctl restart nginx
# What a stack may install later comes from here, whatever the network does.
apt-get -q update; apt-get -q -y install --no-install-recommends --download-only memcached redis-server jq
i=0; until curl -fs http://127.0.0.1/api/x > /dev/null; do i=$((i + 1)); [ $i -lt 50 ] || exit 1; sleep .2; done
