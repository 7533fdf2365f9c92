// A plan for a pipeline's workers: the sample that makes thumbnails. For images of Debian and Ubuntu.
import { readFileSync } from "node:fs";

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");

const unit = `[Unit]
Description=Makes thumbnails of what the queue brings
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/local/bin/fleet-thumbnails
DynamicUser=yes
PrivateTmp=yes
ProtectSystem=strict
NoNewPrivileges=yes
MemoryMax=1G
Restart=always
RestartSec=2
TimeoutStopSec=300
KillMode=mixed

[Install]
WantedBy=multi-user.target
`;

/** Writes a file from a here-document; its text must not hold the delimiter alone on a line. */
const place = (path: string, mode: string, content: string): string =>
  `cat >${path} <<'FLEET_END_OF_FILE'\n${content}FLEET_END_OF_FILE\nchmod ${mode} ${path}`;

/** The worker itself. */
export const thumbnailScript = (): string =>
  ["#!/bin/sh", "# Managed by fleet (pipeline).", "set -u", read("boot/aws.sh"), read("boot/thumbnails.sh")].join("\n");

/** From a blank host to one that takes messages. */
export const thumbnailPlan = (): string =>
  [
    "#!/bin/sh",
    "set -eu",
    "export DEBIAN_FRONTEND=noninteractive",
    "apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 update",
    "apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 install -y --no-install-recommends curl imagemagick jq",
    place("/usr/local/bin/fleet-thumbnails", "0755", thumbnailScript()),
    place("/etc/systemd/system/fleet-work.service", "0644", unit),
    "systemctl daemon-reload",
    "systemctl enable --now fleet-work.service",
    "",
  ].join("\n");
