// Pulumi without an engine: records what a program registers, and waits until all of it is. The one place that calls `setMocks`.
import * as pulumi from "@pulumi/pulumi";

export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface MockAnswers {
  /** Outputs of a resource beside its inputs, by type; `name` is the resource's. */
  readonly outputs?: Readonly<Record<string, (name: string, inputs: Record<string, unknown>) => Record<string, unknown>>>;
  /** Results of look-ups, by token. */
  readonly calls?: Readonly<Record<string, (args: Record<string, unknown>) => Record<string, unknown>>>;
}

/** What the engine itself, or our own provider, would answer. */
const builtIn: NonNullable<MockAnswers["outputs"]> = {
  "pulumi:index:Stash": (_name, { input }) => ({ input, output: input }),
  "fleet:index:Nonce": () => ({ value: "0f3ac2d1" }),
  "fleet:index:KeyPair": (name, { comment }) => ({
    publicKey: `ssh-ed25519 AAAA-of-${name} ${comment}`,
    privateKey: `private key of ${name}`,
  }),
};

/** Resources below the component, as the SDK itself keeps them. */
const childrenOf = (resource: pulumi.Resource): ReadonlySet<pulumi.Resource> =>
  (resource as unknown as { __childResources?: ReadonlySet<pulumi.Resource> }).__childResources ?? new Set();

/** Waits for every urn, also of children that are made while it waits. */
async function settled(resource: pulumi.Resource, seen = new Set<pulumi.Resource>()): Promise<void> {
  if (seen.has(resource)) return;
  seen.add(resource);
  await (resource.urn as pulumi.Output<string> & { promise(): Promise<string> }).promise();
  for (let before = -1; before !== childrenOf(resource).size; ) {
    before = childrenOf(resource).size;
    await Promise.all([...childrenOf(resource)].map((child) => settled(child, seen)));
  }
}

/** The SDK keeps a stack trace with each of its promises: without them a fleet takes half the time. */
async function withoutTraces<T>(work: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The value of an output. */
export const promised = <T>(output: pulumi.Output<T>): Promise<T> => (output as pulumi.Output<T> & { promise(): Promise<T> }).promise();

/** Runs `build` and returns all that it registered, in the order of type and name, with what it built. */
export async function mockPulumi<T extends pulumi.Resource>(
  build: () => T,
  { outputs = {}, calls = {} }: MockAnswers = {},
): Promise<{ readonly built: T; readonly resources: readonly Registered[] }> {
  const resources: Registered[] = [];
  const answers = { ...builtIn, ...outputs };
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        resources.push({ type, name, inputs });
        return { id: `${name}-id`, state: { ...inputs, ...answers[type]?.(name, inputs) } };
      },
      call({ token, inputs }) {
        const answer = calls[token];
        if (!answer) throw new Error(`no mocked answer for the look-up ${token}`);
        return answer(inputs);
      },
    },
    "contest-fleet",
    "test",
    false,
  );
  const built = await withoutTraces(async () => {
    const one = build();
    await settled(one);
    // Outputs are registered after the urns are known; a call still under way would reach the next test's mocks.
    await pulumi.runtime.disconnect();
    return one;
  });
  const key = ({ type, name }: Registered) => `${type} ${name}`;
  return { built, resources: resources.sort((a, b) => (key(a) < key(b) ? -1 : 1)) };
}
