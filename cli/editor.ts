// The editor of whoever is here, over a copy that nobody else can read.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopsWithUs, throwIfInterrupted } from "../pulumi/interruption.ts";
import { UserError } from "../spec/problem.ts";

/** As git chooses one. */
export const editorOf = (env: NodeJS.ProcessEnv): string => env.VISUAL || env.EDITOR || "vi";

/** What was saved. Throws a UserError where the editor did not come to its end. `keep` leaves the copy, and is told where it is. */
export async function edited(
  name: string,
  text: string,
): Promise<{ readonly text: string; readonly keep: () => string; readonly done: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-edit-"));
  const file = join(folder, name);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  writeFileSync(file, text, { mode: 0o600 });
  try {
    await run(editorOf(process.env), file);
    const saved = readFileSync(file, "utf8");
    const keep = () => {
      process.off("exit", remove);
      return file;
    };
    return { text: saved, keep, done: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** By the shell, as git and crontab do: an editor may have options (`code --wait`). */
async function run(editor: string, file: string): Promise<void> {
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn("sh", ["-c", `${editor} "$@"`, editor, file], { stdio: "inherit" });
    stopsWithUs(child, "SIGTERM");
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 130));
  });
  throwIfInterrupted();
  if (code === 127) throw new UserError(`edit: expected the editor \`${editor}\`, got none; next: export EDITOR=nano`);
  if (code !== 0) throw new UserError(`edit: expected the editor \`${editor}\` to end with 0, got ${code}; nothing was changed`);
}
