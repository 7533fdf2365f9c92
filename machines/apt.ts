// This computer's own apt set-up, carried into the image, so that `apt-get` in a machine works wherever it works here.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";

interface Source {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy?: string | undefined;
}

const words = (text: string | undefined): string[] => text?.split(/\s+/).filter(Boolean) ?? [];

/** One-line format: `deb [signed-by=…] URI SUITE COMPONENT…`. */
function parseList(text: string): Source[] {
  const entries = text.matchAll(/^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#\n]+)/gm);
  return [...entries].map(([, options, uri, suite, components]) => ({
    uris: [uri!],
    suites: [suite!],
    components: words(components),
    signedBy: /signed-by=(\S+)/.exec(options ?? "")?.[1],
  }));
}

/** deb822 format: stanzas of fields. */
function parseStanzas(text: string): Source[] {
  const stanzas = text.replace(/^#.*\n?/gm, "").split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const fields = new Map(
      [...stanza.matchAll(/^([\w-]+):((?:.*)(?:\n[ \t].*)*)/gm)].map(([, key, value]) => [key!.toLowerCase(), value!.trim()]),
    );
    const on = words(fields.get("types")).includes("deb") && fields.get("enabled")?.toLowerCase() !== "no";
    if (!on) return [];
    return [
      {
        uris: words(fields.get("uris")),
        suites: words(fields.get("suites")),
        components: words(fields.get("components")),
        signedBy: fields.get("signed-by"),
      },
    ];
  });
}

/**
 * The lines of the sources that serve the Debian release itself: a vendor's repository has other suites, other components or a key of
 * its own. An empty list (this computer runs something else) leaves the choice of the mirror to mmdebstrap.
 */
export function debianSources(files: Readonly<Record<string, string>>, release: string): string[] {
  const suites = new Set(["", "-updates", "-security", "-backports"].map((suffix) => `${release}${suffix}`));
  const sources = Object.entries(files).flatMap(([name, text]) => (name.endsWith(".sources") ? parseStanzas(text) : parseList(text)));
  const ours = sources.filter(
    ({ components, signedBy }) => components.includes("main") && (!signedBy || signedBy.includes("debian-archive")),
  );
  const lines = ours.flatMap(({ uris, suites: named, components, signedBy }) =>
    named
      .filter((suite) => suites.has(suite))
      .flatMap((suite) =>
        uris.map((uri) => `deb ${signedBy?.startsWith("/") ? `[signed-by=${signedBy}] ` : ""}${uri} ${suite} ${components.join(" ")}`),
      ),
  );
  return lines.some((line) => line.includes(` ${release} `)) ? lines : [];
}

async function readAll(directory: string, wanted: RegExp): Promise<Record<string, string>> {
  const names = await readdir(directory).catch(() => []);
  const paths = names
    .filter((name) => wanted.test(name))
    .sort()
    .map((name) => join(directory, name));
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await readFile(path, "utf8")] as const)));
}

export async function aptSources(release: string): Promise<string[]> {
  const files = { ...(await readAll("/etc/apt", /^sources\.list$/)), ...(await readAll("/etc/apt/sources.list.d", /\.(?:list|sources)$/)) };
  return debianSources(files, release);
}

/** How apt reaches its mirror from here (proxy, certificates, dates), as the text of an apt.conf; proxies may hold a password. */
export async function aptOptions(): Promise<string> {
  // Not there on a computer without apt: then there is nothing to carry over.
  const dump = await run("apt-config", ["dump", "Acquire"]).catch(() => "");
  const kept = dump.split("\n").filter((line) => /^Acquire::(?:https?(?:::|\s)|Check-|Retries|ForceIPv)/.test(line) && !/ "";$/.test(line));
  return [...kept, 'Acquire::Languages "none";', ""].join("\n");
}

const certificates = "/usr/local/share/ca-certificates";

/** The certificates that were added to this computer by hand, as `path<TAB>sha256`: the hash makes them part of the recipe. */
export async function localCertificates(): Promise<string[]> {
  const files = await readAll(certificates, /\.crt$/);
  return Object.entries(files).map(([path, text]) => `${path}\t${createHash("sha256").update(text).digest("hex")}`);
}
