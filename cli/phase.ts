// What takes longer than a second shows itself in one line, which ends with its time: live on a terminal, when it is done in a log.

const quietMs = 1000;
const everyMs = 200;

const secondsSince = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/** Runs `work`; what it hands to `tell` is shown live behind the title. */
export async function phase<T>(title: string, work: (tell: (detail: string) => void) => Promise<T>, out = process.stderr): Promise<T> {
  const start = performance.now();
  let detail = "";
  const draw = () => {
    const line = [title, secondsSince(start), detail].filter(Boolean).join("  ");
    out.write(`\r\x1b[K${line.slice(0, (out.columns || 80) - 1)}`);
  };
  const live = out.isTTY ? setInterval(draw, everyMs).unref() : undefined;
  const end = (outcome: string) => {
    clearInterval(live);
    if (live) out.write("\r\x1b[K");
    if (performance.now() - start >= quietMs) out.write(`${title}: ${outcome}${secondsSince(start)}\n`);
  };
  try {
    const result = await work((text) => {
      detail = text;
    });
    end("");
    return result;
  } catch (error) {
    end("failed after ");
    throw error;
  }
}
