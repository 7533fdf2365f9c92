// What is being waited for, in one line on a terminal that goes away again. Elsewhere nothing: a log is no place for it.
const first = 1000;
const interval = 200;

const waits = new Set<() => string>();
let timer: NodeJS.Timeout | undefined;
let since = 0;
/** Whether the line stands on the terminal now. */
let drawn = false;
let plain: (() => void) | undefined;

const clear = "\r\u001b[2K";

function draw(): void {
  if (Date.now() - since < first) return;
  const seconds = Math.round((Date.now() - since) / 1000);
  const line = `${[...waits].map((what) => what()).join(", ")} … ${seconds} s`;
  process.stderr.write(`${clear}${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  drawn = true;
}

function wipe(): void {
  if (!drawn) return;
  drawn = false;
  process.stderr.write(clear);
}

/** What is printed meanwhile comes in the line's place, not behind it. Gives back what makes the streams plain again. */
function makeRoom(streams: readonly NodeJS.WriteStream[]): () => void {
  const undo = streams.map((stream) => {
    const { write } = stream;
    stream.write = ((...given: Parameters<typeof write>) => {
      wipe();
      return write.apply(stream, given);
    }) as typeof write;
    return () => {
      stream.write = write;
    };
  });
  return () => {
    for (const each of undo) each();
  };
}

/** Says what `work` is about from its first second on. Several at a time share the line. */
export async function waiting<T>(what: () => string, work: () => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return await work();
  waits.add(what);
  if (timer === undefined) since = Date.now();
  timer ??= setInterval(draw, interval);
  plain ??= makeRoom([process.stderr, process.stdout].filter(({ isTTY }) => isTTY));
  try {
    return await work();
  } finally {
    waits.delete(what);
    if (waits.size === 0) {
      clearInterval(timer);
      timer = undefined;
      wipe();
      plain?.();
      plain = undefined;
    }
  }
}
