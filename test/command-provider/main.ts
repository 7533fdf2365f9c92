// A test double of Pulumi's command provider: commands here and over OpenSSH, as far as hooks use them. Users have the real one.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { difference } from "../../provisioners/provider/difference.ts";
import { serve } from "../../provisioners/provider/protocol.ts";
import type { Call, Resource } from "../../provisioners/provider/resource.ts";

interface Inputs {
  readonly create?: string;
  readonly update?: string;
  readonly delete?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly logging?: "none";
  readonly dir?: string;
  readonly interpreter?: readonly [string, ...string[]];
  readonly connection?: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly hostKey: string;
    readonly privateKey: string;
  };
}
type Outputs = Inputs & { readonly stdout: string; readonly stderr: string };
type Run = (inputs: Inputs, text: string) => Promise<{ readonly stdout: string; readonly stderr: string }>;

const execute = (program: string, args: readonly string[], stdin: string, options: object): ReturnType<Run> =>
  new Promise((resolve, reject) => {
    const child = execFile(program, [...args], { ...options, encoding: "utf8" }, (error, stdout, stderr) =>
      error ? reject(new Error(`exit status ${error.code}: ${stderr}`)) : resolve({ stdout, stderr }),
    );
    child.stdin?.on("error", () => undefined).end(stdin);
  });

const here: Run = ({ interpreter: [program, ...args] = ["/bin/sh", "-c"], dir, environment, stdin = "" }, text) =>
  execute(program, [...args, text], stdin, { cwd: dir, env: { ...process.env, ...environment } });

const there: Run = async ({ connection, stdin = "" }, text) => {
  if (!connection) throw new Error("expected a connection");
  const { host, port, user, hostKey, privateKey } = connection;
  const folder = await mkdtemp(join(tmpdir(), "command-provider-"));
  try {
    await writeFile(join(folder, "key"), privateKey, { mode: 0o600 });
    await writeFile(join(folder, "known"), `[${host}]:${port} ${hostKey}\n${host} ${hostKey}\n`);
    const only = ["BatchMode=yes", "StrictHostKeyChecking=yes", `UserKnownHostsFile=${join(folder, "known")}`];
    const args = ["-F", "none", "-i", join(folder, "key"), "-p", String(port), ...only.flatMap((each) => ["-o", each])];
    return await execute("ssh", [...args, `${user}@${host}`, text], stdin, {});
  } finally {
    await rm(folder, { recursive: true });
  }
};

function command(run: Run): Resource<Inputs, Outputs> {
  const done = async (inputs: Inputs, text: string, { log }: Call): Promise<Outputs> => {
    const said = await run(inputs, text);
    if (inputs.logging !== "none" && said.stdout) log("info", said.stdout);
    return { ...inputs, ...said };
  };
  const compared = ["create", "update", "delete", "environment", "stdin", "logging"] as const;
  return {
    diff: ({ inputs }, news) => Object.assign({}, ...compared.map((name) => difference(name, inputs[name], news[name]))),
    create: async (inputs, call, preview) => ({
      id: "command",
      outputs: preview ? { ...inputs, stdout: "", stderr: "" } : await done(inputs, inputs.create ?? ":", call),
    }),
    read: async (_id, old) => old,
    update: async (_id, _olds, news, call, preview) =>
      preview ? { ...news, stdout: "", stderr: "" } : await done(news, news.update ?? news.create ?? ":", call),
    async delete(_id, { inputs }) {
      if (inputs.delete !== undefined) await run(inputs, inputs.delete);
    },
  };
}

await serve(
  {
    name: "command",
    version: "1.2.1",
    resources: async () => ({ "command:local:Command": command(here), "command:remote:Command": command(there) }),
  },
  process.argv.slice(2).find((argument) => /^[0-9.]+:\d+$/.test(argument)),
);
