// What a message tells people to type: the command as they typed it this time. The one rule, for all messages: what is to be typed begins with
// `typed()`; a command that is only named is `fleet NAME`.

/** Of the shell: the launcher hands its own name on, and `--cwd` its folder. */
type Environment = Readonly<Record<string, string | undefined>>;

const plain = /^[A-Za-z0-9_./:=@,+~-]+$/;

/** A word for a shell. */
export const shellWord = (word: string): string => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** The command alone: `fleet` where PATH finds it, `npx fleet` of a package, else the path that was typed. */
export function launcher(env: Environment = process.env): string {
  const name = env.FLEET_TYPED ?? "./fleet";
  if (name.includes("/node_modules/.bin/")) return "npx fleet";
  const [folder, file] = [name.slice(0, name.lastIndexOf("/")), name.slice(name.lastIndexOf("/") + 1)];
  const found = folder.startsWith("/") && (env.PATH ?? "").split(":").some((each) => each.replace(/\/+$/, "") === folder);
  if (found) return shellWord(file);
  return name.includes("/") ? shellWord(name) : "./fleet";
}

/** That, and the folder that was named with it: `typed() up team-a` is what to type next. */
export function typed(env: Environment = process.env): string {
  return env.FLEET_CWD_TYPED === undefined ? launcher(env) : `${launcher(env)} --cwd ${shellWord(env.FLEET_CWD_TYPED)}`;
}
