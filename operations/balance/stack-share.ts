// The stack file with another share of a server: what is drained stays drained in the next up. Comments and order stay.
import { stacksFolder } from "../../provisioners/project.ts";
import { isMap } from "../../spec/path.ts";
import { UserError } from "../../spec/problem.ts";
import { rewriteStackFile, stackTextOf } from "../stack-file.ts";
import { valueAt, withoutKey, withValue } from "../stack-text.ts";

/** Of the stack's servers, by name; 100 where nothing is said. */
export function sharesOf(stack: string, folder = stacksFolder): Readonly<Record<string, number>> {
  const servers = valueAt(stackTextOf(stack, folder), ["servers"]);
  if (!isMap(servers)) return {};
  return Object.fromEntries(
    Object.entries(servers).map(([name, each]) => [name, isMap(each) && typeof each.share === "number" ? each.share : 100]),
  );
}

/** Pure. What a server gets from now on, in words. */
export function shareText(share: number): string {
  if (share === 0) return "gets no new requests";
  return share === 100 ? "gets its full share of the requests" : `gets ${share} % of its usual share of the requests`;
}

/** Pure. Only what is said of the shares is touched: the rest of the text stays to the letter. 100 is what stands nowhere. */
export function withShare(text: string, shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares).reduce((before, [server, share]) => withOne(before, server, share), text);
}

function withOne(text: string, server: string, share: number): string {
  const own = valueAt(text, ["servers", server]);
  if (!isMap(own) || Object.keys(own).length === 0)
    throw new UserError(`servers.${server}: expected it in the stack file, got none; write share: ${share} there`);
  const at = ["servers", server, "share"];
  return share === 100 ? withoutKey(text, at) : withValue(text, at, share, "first");
}

/** @returns whether anything was to be written */
export function writeShares(stack: string, shares: Readonly<Record<string, number>>, folder = stacksFolder): boolean {
  const before = sharesOf(stack, folder);
  if (Object.entries(shares).every(([server, share]) => before[server] === share)) return false;
  return rewriteStackFile(stack, (text) => withShare(text, shares), folder);
}
