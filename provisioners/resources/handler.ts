// What has to be done, or must hold, after a change of files that no service reads: `visudo -c`, a daemon-reload. Where it fails, they go back.
import { z } from "zod";
import { FilePath, OwnName } from "../../spec/scalars.ts";
import { storeKey } from "../engine/prelude.ts";
import { sh } from "../engine/shell-quote.ts";
import { isBelow, pathOfAddress } from "./address-path.ts";
import { type Address, AddressSchema, common, defineKind, type PlanContext, type Step } from "./kind.ts";

export const HandlerWant = z.strictObject({
  ...common,
  name: OwnName,
  /** Resources of the role after whose change it acts. They are done before it. */
  on: z.array(AddressSchema).readonly(),
  /** Of what the role no longer wants, it hears where it lay below one of these. */
  below: z.array(FilePath).readonly().default([]),
  /** Shell text that must succeed with the files in place, and changes nothing: `visudo -c`. */
  validate: z.string().optional(),
  /** Shell text that makes the change count: `systemctl daemon-reload`. It may run again. */
  run: z.string().optional(),
});
export type HandlerWant = z.infer<typeof HandlerWant>;

function newsFor({ on, below }: HandlerWant, { changed, gone }: Pick<PlanContext, "changed" | "gone">): readonly Address[] {
  const left = gone.filter((address) => below.some((folder) => isBelow(pathOfAddress(address), folder)));
  return [...on.filter((address) => changed.has(address)), ...left];
}

const sentence = ({ validate, run }: HandlerWant): string =>
  [...(validate ? [`check with \`${first(validate)}\``] : []), ...(run ? [`run \`${first(run)}\``] : [])].join(", ");
const first = (text: string): string => text.split("\n")[0]!;

export const handler = defineKind<HandlerWant, undefined>({
  kind: "handler",
  rank: 170,
  schema: HandlerWant,
  address: ({ name }) => `handler[${name}]`,
  after: ({ on }) => on,
  watches: ({ on }) => on,
  fleeting: true,
  touches: () => ({}),
  read: () => () => undefined,
  plan(want, _have, context): Step[] {
    const news = newsFor(want, context);
    if (news.length === 0 && !context.pending) return [];
    const keys = [...(context.pending ? ["owed"] : []), ...news.map(storeKey)].join(" ");
    const heard = [...new Set([...want.on, ...news])].map(storeKey);
    const run = sh`fleet_handle ${want.name} ${want.validate ?? ""} ${want.run ?? ""} ${keys} ${heard}`;
    return [{ change: sentence(want), property: "on", run }];
  },
  seen: (want) => want,
  undo: runAgain,
  heard: (want, _have, undone) => (newsFor(want, { changed: new Set(undone), gone: undone }).length > 0 ? runAgain(want) : []),
});

function runAgain({ run }: HandlerWant): readonly Step[] {
  if (!run) return [];
  // With the files as they were: what does not work with them is not ours to mend.
  return [{ change: `run \`${first(run)}\` with the files as they were`, late: true, run: sh`sh -ec ${run} || :` }];
}
