// What is wrong with a server while a command works on it, and is over afterwards: shell text for its root. Nothing of it is on the server's disk.

export interface Trouble {
  readonly begin: string;
  readonly end: string;
  /** It is slow, or not as usual, but all can be done: an `up` and a `down` must succeed. */
  readonly bearable?: true;
}

/** As after a fault of a disk: what is open stays open, and nothing new is written. Where a server has no such folder, nothing happens. */
const readOnly = (folder: string): Trouble => ({
  begin: `if [ -d ${folder} ]; then mount --bind ${folder} ${folder}; mount -o remount,bind,ro ${folder}; fi`,
  end: `while mountpoint -q ${folder}; do umount -l ${folder}; done`,
});

/** Takes questions on port 53, and answers none: each look-up of a name takes its ten seconds. */
const silence =
  "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.153', 53)); [s.recv(9000) for _ in iter(int, 1)]";

export const troubles: Readonly<Record<string, Trouble>> = {
  "read-only /etc": readOnly("/etc"),
  "read-only /usr": readOnly("/usr"),
  "read-only /home": readOnly("/home"),
  "read-only /var/lib": readOnly("/var/lib"),
  "read-only memory": readOnly("/var/lib/fleet"),
  "no name server answers": {
    begin: `setsid python3 -c "${silence}" > /run/silence.log 2>&1 < /dev/null & echo $! > /run/silence
      echo nameserver 127.0.0.153 > /run/silence.conf; [ -e /etc/resolv.conf ] || : > /etc/resolv.conf
      mount --bind /run/silence.conf /etc/resolv.conf`,
    end: "umount -l /etc/resolv.conf; kill $(cat /run/silence); rm /run/silence*",
    bearable: true,
  },
};
