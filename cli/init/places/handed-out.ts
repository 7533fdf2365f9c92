// Servers that somebody else made, with their addresses and a way in.
import { input, password } from "@inquirer/prompts";
import { serversIn } from "../../../operations/adopt/addresses.ts";
import { UserName } from "../../../spec/scalars.ts";
import { is, notEmpty, words } from "../asker.ts";
import { loginOf } from "../options.ts";
import type { Place } from "../place.ts";

const question = "Servers, as isu1=203.0.113.11 isu2=203.0.113.12?";

function validate(text: string): boolean | string {
  try {
    return serversIn(words(text)).length > 0 || "expected a server, such as `isu1=203.0.113.11`";
  } catch (error) {
    return (error as Error).message;
  }
}

export const handedOut: Place = {
  title: "handed out: their addresses, and a password or a key",
  said: ({ server }) => server.length > 0,
  async ask(options, ask) {
    const listed = () => input({ message: question, validate });
    const pairs = options.server.length > 0 ? options.server : words(await ask("servers", "add --server isu1=ADDRESS", listed));
    const servers = serversIn(pairs);
    const named = () => input({ message: "User to log in as?", default: "isucon", validate: is(UserName) });
    const user = options.user ?? (await ask("", "", named, "isucon"));
    const secret = async () => ({ password: await password({ message: `Password of ${user}?`, mask: "*", validate: notEmpty }) });
    const way = "add --password-file FILE or --key FILE, or export FLEET_PASSWORD";
    const login: Readonly<Record<string, string>> = loginOf(options) ?? (await ask("a way in", way, secret));
    return {
      secret: true,
      fleet(encrypt) {
        const secrets = Object.fromEntries(Object.entries(login).map(([name, value]) => [name, { secure: encrypt(value) }]));
        const own = servers.map(({ name, ...place }) => [name, { roles: ["base"], ...place, user, ...secrets }]);
        return { target: "inventory", servers: Object.fromEntries(own) };
      },
    };
  },
  comment:
    " `base` alone: users, keys, /etc/hosts, limits. Add the roles that a server is to have, in order (`fleet docs roles`); `fleet adopt` describes what runs there.",
  next: (team) => [
    [`./fleet preview ${team}`, "what an up would change, line by line"],
    [`./fleet up ${team}`, "the servers become what the stack says"],
  ],
};
