// How questions are asked, and what happens where nobody can be.
import type { z } from "zod";
import { Interrupted, interrupt } from "../../pulumi/interruption.ts";
import { UserError } from "../../spec/problem.ts";

/** Asks; where nobody can be asked, takes what would have been proposed, or says what would have answered. */
export type Ask = <T>(what: string, next: string, question: () => Promise<T>, otherwise?: T) => Promise<T>;

export const asker =
  (asking: boolean): Ask =>
  async (what, next, question, otherwise) => {
    if (asking) return await question().catch(left);
    if (otherwise !== undefined) return otherwise;
    throw new UserError(`init: expected ${what}, got nobody to ask; next: ${next}`);
  };

/** Ctrl-C at a question ends as it does anywhere; so does the end of input. */
function left(error: Error): never {
  if (error.name !== "ExitPromptError") throw error;
  interrupt("SIGINT");
  throw new Interrupted("SIGINT");
}

export const words = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== "");

type Check = (text: string) => boolean | string;

/** As a prompt wants it: true, or why not. */
export const is =
  (schema: z.ZodType): Check =>
  (text) => {
    const { success, error } = schema.safeParse(text);
    return success || (error.issues[0]?.message ?? false);
  };

/** Of a secret: an empty answer is a slip, and would cost a try on every server. */
export const notEmpty: Check = (text) => text !== "" || "empty; type it, or Ctrl-C";

export const each =
  (check: Check): Check =>
  (text) =>
    words(text)
      .map(check)
      .find((answer) => answer !== true) ?? true;
