// haproxy's servers, as its runtime socket tells of them. Pure.

export interface HaproxyServerState {
  readonly backend: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  /** Taken out by somebody: drained, or in maintenance. */
  readonly out: boolean;
  /** Requests at the moment. */
  readonly sessions: number;
}

/** Bits of `srv_admin_state`: in maintenance by any of four ways, or drained by either of two. */
const outBits = 0x01 | 0x02 | 0x04 | 0x20 | 0x08 | 0x10;

/** @param state of `show servers state`. @param stat of `show stat` */
export function haproxyServers(state: string, stat: string): readonly HaproxyServerState[] {
  const lines = state.split("\n").map((each) => each.trim());
  const head =
    lines
      .find((each) => each.startsWith("# be_id"))
      ?.slice(2)
      .split(" ") ?? [];
  const rows = lines.filter((each) => /^\d+ /.test(each)).map((each) => each.split(" "));
  const field = (row: readonly string[], name: string): string => row[head.indexOf(name)] ?? "";
  const [statHead = "", ...statRows] = stat.split("\n");
  const columns = statHead.replace(/^# /, "").split(",");
  const busy = new Map(
    statRows.map((each) => each.split(",")).map((row) => [`${row[0]}/${row[1]}`, Number(row[columns.indexOf("scur")] ?? 0)]),
  );
  return rows.map((row) => {
    const [backend, name] = [field(row, "be_name"), field(row, "srv_name")];
    return {
      backend,
      name,
      host: field(row, "srv_addr"),
      port: Number(field(row, "srv_port")),
      weight: Number(field(row, "srv_uweight")),
      out: (Number(field(row, "srv_admin_state")) & outBits) !== 0,
      sessions: busy.get(`${backend}/${name}`) ?? 0,
    };
  });
}

/** Commands for the socket, in order. `usual`: its weight with all of its share. */
export function haproxyCommands(
  { backend, name }: Pick<HaproxyServerState, "backend" | "name">,
  share: number,
  usual: number,
): readonly string[] {
  const server = `${backend}/${name}`;
  if (share === 0) return [`set server ${server} state drain`];
  return [`set server ${server} state ready`, `set server ${server} weight ${Math.max(1, Math.round((usual * share) / 100))}`];
}
