// A line with a way to go: everything arrives late, in both directions, and who waits for whom is counted.
import { connect, createServer, type Socket } from "node:net";

export interface SlowLine {
  readonly port: number;
  /** How often the client spoke because of what it had heard: round trips, that of TCP left out. */
  readonly turns: number;
  close(): Promise<void>;
}

interface Target {
  readonly address: string;
  readonly port?: number;
}

/** @param delay milliseconds in each direction. More than both sides need to answer, or turns melt into each other */
export async function startSlowLine({ address, port = 22 }: Target, delay: number): Promise<SlowLine> {
  const sockets = new Set<Socket>();
  let [turns, heard] = [0, true];
  const late = (from: Socket, to: Socket, told: () => void) => {
    from.on("data", (bytes) => {
      const arrive = () => {
        told();
        to.write(bytes);
      };
      setTimeout(arrive, delay);
    });
    from.on("end", () => setTimeout(() => to.end(), delay));
    from.on("error", () => to.destroy());
    from.on("close", () => sockets.delete(from));
  };
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ host: address, port, noDelay: true });
    for (const each of [client, target]) sockets.add(each);
    client.on("data", () => {
      if (heard) turns++;
      heard = false;
    });
    late(client, target, () => {});
    // The client has heard of it once it has arrived.
    late(target, client, () => {
      heard = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    get turns() {
      return turns;
    },
    close: async () => {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
