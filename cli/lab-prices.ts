// The hardware of a lab with what it costs: as the stack file says it, else as the server itself does.
import { priceIn } from "../components/targets/aws/facts/prices.ts";
import { priceList } from "../components/targets/aws/facts/types.ts";
import type { Seen } from "../operations/lab/hardware.ts";
import type { Hardware } from "../operations/lab/model.ts";
import { planOf } from "../provisioners/stack.ts";
import { operationsOf } from "./targets/targets.ts";

export async function priced(stack: string, seen: ReadonlyMap<string, Seen>): Promise<Record<string, Hardware>> {
  const plan = planOf(stack);
  const prices = (await (await operationsOf(plan)).prices?.(plan)) ?? {};
  return Object.fromEntries(
    [...seen].map(([server, { hardware }]) => {
      const { type = hardware.instanceType, perHour } = prices[server] ?? {};
      const price = perHour ?? (type === undefined ? undefined : priceIn(type, priceList.region)?.perHour);
      return [
        server,
        { ...hardware, ...(type !== undefined && { instanceType: type }), ...(price !== undefined && { pricePerHour: price }) },
      ];
    }),
  );
}
