// The team's files as edits make them, one after the other: each of one server's own, in the place of what counted there.
import type { FleetPlan } from "../../provisioners/expand.ts";
import type { OverlayEntry, OverlayFile } from "../../spec/overlay.ts";
import type { Rewritten, RewrittenText } from "./rewrite.ts";

/** A file of one server's own, in the place of what counted there. */
export interface FileEdit {
  readonly server: string;
  readonly path: string;
  readonly file: OverlayFile;
  /** What counted there before, wherever it lies; undefined where nothing did. */
  readonly before?: string;
  readonly changes: readonly Rewritten[];
}

export const isText = (entry: OverlayEntry): entry is OverlayFile => "content" in entry && entry.encoding === undefined;

export class TreeEdits {
  readonly #plan: FleetPlan;
  readonly #touched = new Map<string, FileEdit>();

  constructor(plan: FleetPlan) {
    this.#plan = plan;
  }

  #overlayOf = (server: string): readonly OverlayEntry[] => this.#plan.servers.find(({ name }) => name === server)?.overlay ?? [];

  put(server: string, file: OverlayFile, changes: readonly Rewritten[]): void {
    const key = `${server} ${file.path}`;
    const earlier = this.#touched.get(key);
    const there = this.#overlayOf(server).find(({ path }) => path === file.path);
    const was = earlier ? earlier.before : there && "content" in there ? there.content : undefined;
    this.#touched.set(key, {
      ...{ server, path: file.path, file, changes: [...(earlier?.changes ?? []), ...changes] },
      ...(was !== undefined && { before: was }),
    });
  }

  /** What counts there by now. */
  textsOn(server: string): readonly OverlayFile[] {
    const own = [...this.#touched.values()].filter((each) => each.server === server).map(({ file }) => file);
    const paths = new Set(own.map(({ path }) => path));
    return [...this.#overlayOf(server).filter(({ path }) => !paths.has(path)), ...own].filter(isText);
  }

  /** @returns the paths of those that changed */
  edit(server: string, change: (file: OverlayFile) => RewrittenText): readonly string[] {
    return this.textsOn(server).flatMap((file) => {
      const { text, changes } = change(file);
      if (text === file.content) return [];
      this.put(server, { ...file, content: text }, changes);
      return [file.path];
    });
  }

  all = (): readonly FileEdit[] => [...this.#touched.values()].filter(({ file, before }) => file.content !== before);
}
