// The machines behind instances: the emulator starts none, a test may (test/support/ec2-hosts.ts) and says where it hears of it.

const service = process.env.FLEET_TEST_HOSTS;
/** A test may also name machines that stand in for instances: addresses by the instance's name. */
const standIns = JSON.parse(process.env.FLEET_TEST_STAND_INS ?? "{}") as Readonly<Record<string, string>>;

/** `start` is also the first boot. Nothing without a service. */
export async function tellHost(id: string, what: "start" | "stop" | "terminate"): Promise<void> {
  if (service === undefined) return;
  const answer = await fetch(`${service}/${id}/${what}`, { method: "POST" });
  if (!answer.ok) throw new Error(`${id}: expected its machine to ${what}, got ${answer.status}: ${await answer.text()}`);
}

/** Where this computer reaches the machine; undefined where none is behind the instance. */
export async function addressOfHost(id: string, name: string): Promise<string | undefined> {
  if (service === undefined) return standIns[name];
  const answer = await fetch(`${service}/${id}`);
  return answer.ok ? await answer.text() : undefined;
}
