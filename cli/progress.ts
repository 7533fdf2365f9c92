// What is being waited for, in one line on a terminal that goes away again. Elsewhere nothing: a log is no place for it.
const first = 1000;
const interval = 200;

const waits = new Set<() => string>();
let timer: NodeJS.Timeout | undefined;
let since = 0;

const clear = "\r\u001b[2K";

function draw(): void {
  if (Date.now() - since < first) return;
  const seconds = Math.round((Date.now() - since) / 1000);
  const line = `${[...waits].map((what) => what()).join(", ")} … ${seconds} s`;
  process.stderr.write(`${clear}${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}

/** Says what `work` is about from its first second on. Several at a time share the line. */
export async function waiting<T>(what: () => string, work: () => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return await work();
  waits.add(what);
  if (timer === undefined) since = Date.now();
  timer ??= setInterval(draw, interval);
  try {
    return await work();
  } finally {
    waits.delete(what);
    if (waits.size === 0) {
      clearInterval(timer);
      timer = undefined;
      process.stderr.write(clear);
    }
  }
}
