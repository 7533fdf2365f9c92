// A worker's surroundings for its scripts under dash: a curl that answers for the metadata service and for AWS, and keeps what it was
// asked.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const metadata: Readonly<Record<string, string>> = {
  "meta-data/instance-id": "i-0123",
  "meta-data/iam/security-credentials/": "worker",
  "meta-data/iam/security-credentials/worker":
    '{\n  "AccessKeyId" : "AKIDEXAMPLE",\n  "SecretAccessKey" : "the/secret+key",\n  "Token" : "the-session-token"\n}',
};

/**
 * A request of the script: the last argument is the address. What it answers lies in the folder `answers`, by the address with `/` as
 * `_`; several lines of `SEQUENCE` files are used up one by one. No answer means that AWS refuses (22), as curl says it.
 */
const curl = `
for a in "$@"; do url=$a; done
case $url in
  */latest/api/token) echo token; exit ;;
esac
config=''
case " $* " in *" --config - "*) config=$(cat) ;; esac
file=$host/answers/$(printf '%s' "\${url#*://}" | tr / _)
out='' previous=''
for a in "$@"; do if [ "$previous" = -o ]; then out=$a; fi; previous=$a; done
case $url in *169.254.169.254*) ;; *) printf '%s\\n' "$*" >>"$host/asked"; printf '%s\\n' "$config" >>"$host/config" ;; esac
if [ -s "$file.sequence" ]; then
  head -n 1 "$file.sequence" >"$host/answer"
  sed -i 1d "$file.sequence"
  if [ "$(cat "$host/answer")" = refuse ]; then exit 22; fi
elif [ -e "$file" ]; then cp "$file" "$host/answer"
else exit 22; fi
if [ "$out" ]; then cat "$host/answer" >"$out"; else cat "$host/answer"; fi`;

const logged = 'printf "%s\\n" "$name $*" >>"$host/ran"';

export class FakeAwsHost {
  readonly root = mkdtempSync(join(tmpdir(), "fleet-worker-"));

  constructor(tools: Readonly<Record<string, string>> = {}) {
    for (const folder of ["bin", "answers"]) mkdirSync(join(this.root, folder));
    const all = { systemctl: ":", sleep: ":", ...tools };
    for (const [name, body] of Object.entries(all))
      this.put(`bin/${name}`, `#!/bin/sh\nhost=${this.root} name=${name}\n${logged}\n${body}\n`, 0o755);
    this.put("bin/curl", `#!/bin/sh\nhost=${this.root}\n${curl}\n`, 0o755);
    for (const [path, text] of Object.entries(metadata)) this.answer(`http://169.254.169.254/latest/${path}`, text);
  }

  put(path: string, content: string, mode = 0o644): void {
    writeFileSync(join(this.root, path), content, { mode });
  }
  answer(url: string, text: string): void {
    this.put(`answers/${this.#file(url)}`, text);
  }
  /** One line an answer, `refuse` for a refusal; the last one stands when they are used up, if `answer` gave one. */
  answers(url: string, lines: readonly string[]): void {
    this.put(`answers/${this.#file(url)}.sequence`, `${lines.join("\n")}\n`);
  }
  lines(name: "asked" | "ran" | "config"): readonly string[] {
    const path = join(this.root, name);
    return existsSync(path) ? readFileSync(path, "utf8").replaceAll(this.root, "").trimEnd().split("\n") : [];
  }
  read = (path: string): string => readFileSync(join(this.root, path), "utf8");

  run(script: string, ...args: readonly string[]): { readonly code: number | null; readonly said: string } {
    const env = { PATH: `${join(this.root, "bin")}:${process.env.PATH}` };
    const { status, stderr } = spawnSync("dash", ["-s", ...args], { input: script, encoding: "utf8", env, timeout: 180_000 });
    return { code: status, said: stderr.replaceAll(this.root, "") };
  }

  gone = (): void => rmSync(this.root, { recursive: true, force: true });
  #file = (url: string): string => url.replace(/^[a-z]+:\/\//, "").replaceAll("/", "_");
}
