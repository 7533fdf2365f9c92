// A kind that is one file of the system's configuration folders, and nothing beside it: what such kinds share.
import { dirname } from "node:path";
import type { PathSeen } from "../engine/probe.ts";
import { attributeSteps } from "./attributes.ts";
import { rootFile, writeRootFile } from "./file.ts";
import { type Common, defineKind, type Kept, type Kind, missing, type Step } from "./kind.ts";
import { undoPath } from "./undo-path.ts";

interface FileKind<Want extends Common> extends Pick<Kind<Want, PathSeen>, "kind" | "rank" | "schema" | "address" | "failsAlone"> {
  readonly path: (want: Kept<Want>) => string;
  /** As sentences call it. @default file */
  readonly noun?: string;
  /** What the file is to hold. */
  readonly render: (want: Want) => string;
  /** The want as a file says it, however somebody has edited it. */
  readonly parse: (want: Want, text: string) => Want;
  /** Whether a file of another text says the same. @default only the same text does */
  readonly same?: (want: Want, text: string) => boolean;
  /** The property that a change brings about, and its sentence; `now` is undefined where there is no file. */
  readonly property: keyof Want & string;
  readonly change: (want: Want, now: Want | undefined) => string;
  /** Lands the text at the path, with whatever belongs to it. @default as root's, readable for everybody */
  readonly land?: (path: string, text: string) => Step["run"];
}

const textIn = ({ content }: PathSeen): string => content?.toString("utf8") ?? "";

export function defineFileKind<Want extends Common>({
  path,
  noun = "file",
  render,
  parse,
  same = (want, text) => text === render(want),
  property,
  change,
  land = writeRootFile,
  ...kind
}: FileKind<Want>): Kind<Want, PathSeen> {
  const pathOf = (want: Want): string => path(want as Kept<Want>);
  return defineKind<Want, PathSeen>({
    ...kind,
    touches: (want) => ({ paths: [pathOf(want)] }),
    path,
    leans: (want) => ({ paths: [dirname(pathOf(want))] }),
    standing: (have) => have,
    read: (want, look) => look.path(path(want), { content: true }),
    plan(want, have) {
      if (have.type === "file" && same(want, textIn(have))) return attributeSteps({ path: pathOf(want), ...rootFile }, have);
      const now = have.type === missing ? undefined : parse(want, textIn(have));
      return [{ change: change(want, now), property, run: land(pathOf(want), render(want)) }];
    },
    seen: (want, have) => (have.type === "file" ? parse(want, textIn(have)) : undefined),
    undo: (want, original, have) => undoPath(noun, path(want), original, have),
  });
}
