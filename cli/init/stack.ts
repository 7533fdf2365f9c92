// Answers as a stack file, with comments that say what to change next.
import { Document, isMap, isScalar, type Node, visit } from "yaml";
import type { Encryption } from "../../operations/adopt/stack-file.ts";
import { fleetKey } from "../../spec/secrets.ts";
import type { Answers } from "./ask.ts";

const memberComment = " Their keys go onto every server, from GitHub: `- github: octocat`, or `- {name: ada, keys: [ssh-ed25519 …]}`.";

/** @param encryption where the answers hold a secret */
export function stackText({ team, members, place, part }: Answers, encryption?: Encryption): string {
  const own = part.fleet((text) => {
    if (!encryption) throw new TypeError("expected an encryption for a secret");
    return encryption.encrypt(text);
  });
  const { target, ...rest } = own;
  const fleet = { team, members: members.map((github) => ({ github })), target, ...rest };
  const document = new Document({ ...(encryption && { encryptionsalt: encryption.salt }), config: { [fleetKey]: fleet } });
  document.commentBefore = " yaml-language-server: $schema=./fleet.schema.json";
  const map = document.getIn(["config", fleetKey]);
  for (const [key, text] of Object.entries({ members: memberComment, servers: place.comment })) comment(map, key, text);
  // `roles: [base, nginx]`, as people write it.
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every(isScalar)) list.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function comment(map: unknown, key: string, text: string): void {
  const found = isMap(map) ? map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) : undefined;
  if (found) (found.key as Node).commentBefore = text;
}
