// A database of an organiser's comes to another server by `fleet split`, with what is in it and all that names it, and so does the application; they come
// back whenever that fails, is cut short or is no longer wanted. Each test begins where the one before ended.
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { login, packages, sumsScript } from "../support/contest/server.ts";
import { type Answer, inside, Trial } from "../support/fleet.ts";
import { handOut } from "../support/handed-out.ts";
import { ownNetwork } from "../support/own.ts";
import { soon, until } from "../support/soon.ts";

const network = ownNetwork();
const trial = new Trial("split", {});
const servers = ["isu1", "isu3"] as const;
type Server = (typeof servers)[number];
const addressOf = { isu1: `${network}.11`, isu3: `${network}.13` } as const;

/** All on each server. The application asks the database at each request; in another language it is off, and would pull the old database in. */
const contest = `
cat > /home/isucon/app.py <<'X'
import http.server, os, subprocess
class Handler(http.server.BaseHTTPRequestHandler):
    def ask(self, sql):
        run = subprocess.run(["mariadb", "-h", os.environ["NOTES_DB_HOST"], "-uisucon", "-pisucon", "-N", "notes", "-e", sql], capture_output=True, text=True)
        body = (run.stdout or run.stderr).encode()
        self.send_response(500 if run.returncode else 200); self.send_header("content-length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self): self.ask("select @@hostname, count(*), '%s' from note" % os.uname().nodename)
    def do_POST(self): self.ask("insert into note (body) values ('new')")
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer((os.environ["NOTES_LISTEN"], 8080), Handler).serve_forever()
X
printf 'NOTES_DB_HOST="127.0.0.1"\\nNOTES_DB_PORT=3306\\nNOTES_LISTEN=127.0.0.1\\n' > /home/isucon/env.sh
chown isucon:isucon /home/isucon/app.py /home/isucon/env.sh; chmod 644 /home/isucon/env.sh
for unit in notes notes-go; do
  printf '[Unit]\\nAfter=mariadb.service\\nRequires=mariadb.service\\n[Service]\\nUser=isucon\\nWorkingDirectory=/home/isucon\\nEnvironmentFile=/home/isucon/env.sh\\nExecStart=/usr/bin/python3 /home/isucon/app.py\\nRestart=always\\nRestartSec=1\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/$unit.service
done
printf 'upstream notes { server 127.0.0.1:8080; }\\nserver { listen 80 default_server; location / { proxy_pass http://notes; } }\\n' > /etc/nginx/sites-available/notes.conf
ln -sf ../sites-available/notes.conf /etc/nginx/sites-enabled/notes.conf; rm -f /etc/nginx/sites-enabled/default
systemctl enable -q nginx; systemctl restart nginx
systemctl daemon-reload; systemctl start mariadb; systemctl enable -q mariadb
mariadb -e "create database notes; create table notes.note (id int primary key auto_increment, body varchar(20)); create user isucon@localhost identified by 'isucon'; grant all on notes.* to isucon@localhost"
mariadb notes -e "insert into note (body) select 'old' from seq_1_to_\${rows}"
systemctl enable -q --now notes`;

const on = async (server: Server, script: string): Promise<string> => {
  const { code, stdout, said } = await inside(trial.stack, server, script);
  if (code !== 0) throw new Error(`${server}: ${script}\nended with ${code}: ${said}`);
  return stdout.trim();
};
const asked = (method = "GET") => on("isu1", `curl -sS --max-time 10 -X ${method} http://127.0.0.1/`);
/** Which server's database it has, how many rows, and where it runs. */
const answers = async (): Promise<readonly string[]> => (await asked()).split("\t");
const split = (...words: readonly string[]): Promise<Answer> => trial.run("split", [...words, "--yes"]);
const move = ["--move", "mysql:isu1:isu3"] as const;
const stateOf = (server: Server) =>
  on(
    server,
    "systemctl is-enabled mariadb notes; systemctl is-active mariadb notes; cat /home/isucon/env.sh; ls /var/lib/fleet/split 2>/dev/null || :; mariadb -N -e 'select @@read_only, @@bind_address; select count(*) from notes.note; select user, host from mysql.user order by 1, 2'",
  );
const states = (): Promise<readonly string[]> => Promise.all(servers.map(stateOf));
/** All of it but what the application wrote, and which services of the system happen to run: ours are in the state. */
const sums = async (server: Server): Promise<readonly string[]> =>
  (await on(server, sumsScript)).split("\n").filter((line) => !/^(?:mariadb rows|runs|answers)\b/.test(line));
const nothingToDo = async () => expect((await trial.run("preview")).stdout).toContain("nothing to change");

async function rebooted(server: Server): Promise<void> {
  const ref = { stack: trial.stack, name: server };
  const before = (await nspawn.read(ref))?.leaderPid;
  await inside(trial.stack, server, "systemctl reboot").catch(() => undefined);
  await until(async () => ![undefined, before].includes((await nspawn.read(ref))?.leaderPid), `${server} to be up again`);
  await until(
    async () => /running|degraded/.test((await inside(trial.stack, server, "systemctl is-system-running || :")).stdout),
    `${server} at rest`,
  );
}

describe.skipIf(process.getuid?.() !== 0)("fleet split (this needs root on Linux)", () => {
  let before: readonly string[];
  let handedOut: readonly (readonly string[])[];

  beforeAll(async () => {
    await handOut(
      trial,
      network,
      servers.map((name) => ({ name, host: Number(addressOf[name].split(".").at(-1)), user: login, preinstalled: packages })),
    );
    await Promise.all(servers.map((name, at) => on(name, `rows=${at === 0 ? 5000 : 7}\n${contest}`)));
    await until(async () => (await answers())[1] === "5000", "an application that answers");
    handedOut = await Promise.all(servers.map(sums));
    rmSync(trial.file);
    const adopt = ["--no-commit", "--user", login.name, ...servers.map((name) => `${name}=${addressOf[name]}`)];
    const adopted = await trial.run("adopt", adopt, { env: { FLEET_PASSWORD: login.password } });
    expect(adopted.code, adopted.said).toBe(0);
    const up = await trial.up();
    expect(up.code, up.said).toBe(0);
    before = await states();
  });

  afterAll(() => trial.remove());

  test("a copy that fails is taken back to the letter, with the reason", async () => {
    // As a schema that somebody left half changed: a dump of it ends in the middle.
    await on("isu1", "mariadb notes -e 'create table gone (id int); create view broken as select id from gone; drop table gone'");
    const { code, said } = await split(...move);
    expect([code, said]).toEqual([1, expect.stringMatching(/copies notes to isu3: [\s\S]*taken back: everything is as it was before/)]);
    await on("isu1", "mariadb notes -e 'drop view broken'");
    await soon(states).toEqual(before);
    await nothingToDo();
  });

  const app = ["--move", "app:isu1:isu3"] as const;
  const home = (server: Server) =>
    on(server, "find /home/isucon /var/lib/fleet/split -maxdepth 1 2>/dev/null | sort; sha256sum /home/isucon/app.py");

  test("an application comes as it stands, reaches what stayed by address, and goes back wholly", async () => {
    await on("isu1", "echo '# edited here' >> /home/isucon/app.py; systemctl restart notes");
    const homes = await Promise.all(servers.map(home));
    const { code, said } = await split(...app, "--health", "/");
    expect([code, said]).toEqual([
      0,
      expect.stringMatching(/isu3 has \/home\/isucon\/app.py [\s\S]*mysql lets isu3 in[\s\S]*app is on isu3; /),
    ]);
    await soon(answers).toEqual(["isu1", "5000", "isu3"]);
    expect(await on("isu3", "tail -n 1 /home/isucon/app.py; cat /home/isucon/env.sh")).toBe(
      `# edited here\nNOTES_DB_HOST="${addressOf.isu1}"\nNOTES_DB_PORT=3306\nNOTES_LISTEN=0.0.0.0`,
    );
    await nothingToDo();
    await rebooted("isu3");
    await until(async () => (await asked().catch(() => "")).endsWith("isu3"), "an application that answers from isu3");
    const undo = await split("--undo");
    expect([undo.code, undo.said]).toEqual([0, expect.stringContaining("app is on isu1 again")]);
    await soon(answers).toEqual(["isu1", "5000", "isu1"]);
    await soon(states).toEqual(before);
    expect(await Promise.all(servers.map(home))).toEqual(homes);
    await on("isu1", "sed -i '$d' /home/isucon/app.py; systemctl restart notes");
  });

  test("a run that is killed while nobody can write is taken back by the next one", async () => {
    const killed = trial.start("split", [...move, "--yes"]);
    await until(async () => /\| stops writes/.test(killed.said()), "a split that stops writes");
    await killed.kill();
    const again = await split(...move);
    expect([again.code, again.said]).toEqual([2, expect.stringContaining("was cut short; next: ./fleet split")]);
    const undo = await split("--undo");
    expect([undo.code, undo.said]).toEqual([0, expect.stringContaining("taken back")]);
    await soon(states).toEqual(before);
  });

  test("moves the data, the accounts and whoever asks it; the stack agrees", async () => {
    const dry = await trial.run("split", [...move, "--dry-run"]);
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringMatching(/NOTES_DB_HOST=127\.0\.0\.1[\s\S]*- Requires=mariadb.service[\s\S]*mariadb.service: off/),
    ]);
    expect(await states()).toEqual(before);
    const { code, said } = await split(...move);
    expect([code, said]).toEqual([0, expect.stringMatching(/mysql is on isu3; [\d.]+ s, of which nobody could write for [\d.]+ s/)]);
    await soon(answers).toEqual(["isu3", "5000", "isu1"]);
    await nothingToDo();
  });

  test("and holds after a reboot of all: nothing pulls the old database in again", async () => {
    await Promise.all(servers.map(rebooted));
    await until(async () => (await answers())[0] === "isu3", "an application that answers from isu3");
    await soon(() => on("isu1", "systemctl is-active mariadb || :")).toBe("inactive");
    await asked("POST");
    expect((await answers())[1]).toBe("5001");
  });

  test("a down brings back what was written since, and each server what it had", async () => {
    const { code, said } = await trial.run("down", ["--yes"]);
    // The up that ends a split has the last word in none of it.
    expect(said).not.toContain("next:\n");
    expect([code, said]).toEqual([0, expect.stringContaining("that is taken back first")]);
    await until(async () => (await answers())[1] === "5001", "an application that answers");
    expect(await answers()).toEqual(["isu1", "5001", "isu1"]);
    await soon(states).toEqual([before[0]!.replace("5000", "5001"), before[1]]);
    for (const [index, server] of servers.entries()) await soon(() => sums(server)).toEqual(handedOut[index]);
  });
});
