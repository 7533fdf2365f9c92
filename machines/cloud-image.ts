// Debian's own cloud image: fetched once, and there only when it is whole and what the sums beside it say.
import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { locked } from "./lock.ts";
import { type MachineContext, MachineError } from "./machine.ts";

/** Release → its number, by which files are called. */
const numbers: Readonly<Record<string, number>> = { bookworm: 12, trixie: 13 };

export interface CloudImage {
  readonly release: string;
  /** In Debian's words: `amd64`. */
  readonly architecture: string;
  /** Where the image is kept. */
  readonly directory: string;
  /** @default Debian's own server */
  readonly base?: string;
}

const instead = "name a cloud image of your own in `FLEET_QEMU_IMAGE`";

async function request(url: string, signal: AbortSignal | undefined): Promise<Response> {
  const response = await fetch(url, { signal: signal ?? null }).catch((error: Error) => {
    if (signal?.aborted) throw error;
    throw new MachineError(`\`${url}\`: can't be fetched (${(error.cause as Error | undefined)?.message ?? error.message}); ${instead}`);
  });
  if (response.ok && response.body) return response;
  throw new MachineError(`\`${url}\`: expected a file, got HTTP status ${response.status}; try again, or ${instead}`);
}

/** Of a file in a list as sha512sum prints it. */
export const sumOf = (list: string, file: string): string | undefined =>
  list
    .split("\n")
    .map((line) => /^([0-9a-f]{128}) [ *](.+)$/.exec(line.trim()))
    .find((match) => match?.[2] === file)?.[1];

const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** Writes what comes, and returns its sum; a line a tenth. */
async function store(response: Response, path: string, log: (line: string) => void, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha512");
  const total = Number(response.headers.get("content-length")) || 0;
  let [bytes, told] = [0, 0];
  const watched = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      const tenth = total > 0 ? Math.floor((10 * bytes) / total) : 0;
      if (tenth > told) log(`image: ${mb(bytes)} of ${mb(total)}`);
      told = tenth;
      yield chunk;
    }
  };
  const file = createWriteStream(path, { mode: 0o600, flush: true });
  await pipeline(Readable.fromWeb(response.body as never), watched, file, ...(signal ? [{ signal }] : []));
  return hash.digest("hex");
}

async function download(url: string, file: string, path: string, { log = () => undefined, signal }: MachineContext): Promise<void> {
  const sums = await (await request(`${url}/SHA512SUMS`, signal)).text();
  const wanted = sumOf(sums, file);
  if (!wanted) throw new MachineError(`\`${url}/SHA512SUMS\`: expected a line for \`${file}\`, got none; ${instead}`);
  log(`fetching Debian's cloud image ${file} (once, some hundred MB)`);
  const partial = `${path}.partial`;
  try {
    const got = await store(await request(`${url}/${file}`, signal), partial, log, signal);
    if (got !== wanted)
      throw new MachineError(
        `\`${url}/${file}\`: expected the SHA-512 ${wanted.slice(0, 16)}…, got ${got.slice(0, 16)}…; try again, or ${instead}`,
      );
    await rename(partial, path);
  } catch (error) {
    if (signal?.aborted) throw new MachineError(`\`${url}/${file}\`: cancelled`);
    if (error instanceof MachineError) throw error;
    throw new MachineError(`\`${url}/${file}\`: the download broke off (${(error as Error).message}); try again, or ${instead}`);
  } finally {
    await rm(partial, { force: true });
  }
  log(`the image is ready: ${path}`);
}

/** The image's file. Some hundred MB the first time; no look at the network after that. */
export async function ensureCloudImage(image: CloudImage, context: MachineContext = {}): Promise<string> {
  const { release, architecture, directory, base = "https://cloud.debian.org/images/cloud" } = image;
  const number = numbers[release];
  if (!number)
    throw new MachineError(`release: expected ${Object.keys(numbers).join(" or ")}, got \`${release}\`; take one of these, or ${instead}`);
  const file = `debian-${number}-genericcloud-${architecture}.qcow2`;
  const path = join(directory, file);
  if (existsSync(path)) return path;
  const fetchOnce = async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (!existsSync(path)) await download(`${base}/${release}/latest`, file, path, context);
    return path;
  };
  return await locked(`image ${file}`, fetchOnce, { deadline: 3_600_000, signal: context.signal });
}
