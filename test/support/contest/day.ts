// The README's day, as it is to be typed: its steps, each with its commands and what goes into the stack file, in their order.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { checkout } from "../../../provisioners/project.ts";

export type DayPart = { readonly type: string } | { readonly settle: Readonly<Record<string, unknown>> };
export interface DayStep {
  /** `4. The code into the team's repository` */
  readonly title: string;
  readonly parts: readonly DayPart[];
}

/** Pure. A command without the remark behind it. */
const commandIn = (line: string): string => line.replace(/ {2,}#.*$/, "").trim();

/** Pure. */
export function dayIn(readme: string): readonly DayStep[] {
  const from = readme.indexOf("## The day of the event");
  const chapter = readme.slice(from, readme.indexOf("\n## ", from + 1));
  const steps = chapter.split(/^(?=\*\*\d+\. )/m).slice(1);
  return steps.map((text) => {
    const [, title = ""] = /^\*\*(\d+\. .*?)\.?\*\*/.exec(text) ?? [];
    const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
    return {
      title,
      parts: blocks.flatMap(([, kind, block = ""]): readonly DayPart[] => (kind === "yaml" ? [{ settle: parse(block) }] : typed(block))),
    };
  });
}

const typed = (block: string): readonly DayPart[] =>
  block
    .split("\n")
    .map(commandIn)
    .filter(Boolean)
    .map((type) => ({ type }));

/** Without the step that takes the place of adopting: `readme.test.ts` types that. */
export const day = (): readonly DayStep[] =>
  dayIn(readFileSync(join(checkout, "README.md"), "utf8")).filter(({ title }) => !title.startsWith("1. "));
