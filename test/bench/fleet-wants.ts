// The workload in this product's own words.
import { dirname } from "node:path";
import type { Wants } from "../../provisioners/engine/order.ts";
import { type Declared, want } from "../../provisioners/resources/want.ts";
import { type Item, render } from "./workload.ts";

function declared(item: Item, host: string): Declared {
  switch (item.kind) {
    case "user":
      return want.user({ name: item.name, comment: item.comment, shell: "/bin/bash" });
    case "directory":
      // What is above comes first; without a directory of that name in the role the edge says nothing.
      return want.directory({
        ...{ path: item.path, mode: item.mode, owner: item.owner, group: item.owner },
        after: [`directory[${dirname(item.path)}]`],
      });
    case "file":
      return want.file({ path: item.path, content: render(item, host), mode: item.mode, owner: item.owner, group: item.owner });
    case "link":
      return want.link({ path: item.path, target: item.target });
    case "package":
      return want.package({ name: item.name });
    case "check":
      return want.check({ name: item.name, command: item.command });
    default:
      throw new TypeError(`unknown item ${item satisfies never}`);
  }
}

export const wantsOf = (items: readonly Item[], host: string): Wants =>
  Object.fromEntries(items.map((item) => declared(item, host)).map(({ address, want: wanted }) => [address, wanted]));
