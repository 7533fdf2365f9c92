// What every server of a team has: names, people, keys, limits, settings.
import { z } from "zod";
import { want } from "../../resources/want.ts";
import { defineRole } from "../role.ts";

const Params = z.strictObject({});

export const base = defineRole<z.infer<typeof Params>>({
  name: "base",
  summary: "names, people, keys, limits and kernel settings of every server",
  params: Params,
  resources: ({ self, team }) => [want.file({ path: "/etc/motd", content: `${self.name} of the team ${team.name}\n` })],
});
