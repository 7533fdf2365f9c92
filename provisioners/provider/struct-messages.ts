// The provider's service with the property values of its messages apart: those are read and written by struct-bytes.ts, and all the rest of
// a message by the SDK's own classes, which see it without them.
import type { ServiceDefinition } from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import { fromStructBytes, Reader, toStructBytes, varint } from "./struct-bytes.ts";
import type { Properties } from "./wire.ts";

/** A generated message class, of which nothing else is used. */
interface Message<T> {
  deserializeBinary(bytes: Uint8Array): T;
}

/** Numbers of fields, by the names that we give them. */
type Fields = Readonly<Record<string, number>>;

/** A call's request: the SDK's message, and the property values beside it. */
export class Received<T> {
  readonly message: T;
  readonly #fields: Fields;
  readonly #structs: ReadonlyMap<number, Buffer>;

  constructor(message: T, fields: Fields, structs: ReadonlyMap<number, Buffer>) {
    [this.message, this.#fields, this.#structs] = [message, fields, structs];
  }

  /** As it came. */
  bytes(name: string): Buffer {
    return this.#structs.get(this.#fields[name]!) ?? nothing;
  }

  /** @returns a new object at every call, empty where nothing came */
  properties(name: string): Properties {
    return fromStructBytes(this.bytes(name));
  }
}

const nothing = Buffer.alloc(0);

/** A response: the SDK's message, to which property values are added by the numbers of their fields. */
export interface Answered {
  readonly message: { serializeBinary(): Uint8Array };
  readonly structs?: Readonly<Record<number, object | Buffer>>;
}

/** Protobuf messages can be put together end to end. */
export function answerBytes({ message, structs = {} }: Answered): Buffer {
  const parts = Object.entries(structs).flatMap(([number, value]) => {
    const bytes = Buffer.isBuffer(value) ? value : toStructBytes(value);
    return [Buffer.from([(Number(number) << 3) | 2, ...varint(bytes.length)]), bytes];
  });
  return Buffer.concat([message.serializeBinary(), ...parts]);
}

export function received<T>(bytes: Buffer, of: Message<T>, fields: Fields): Received<T> {
  const structs = new Map<number, Buffer>();
  const rest: Buffer[] = [];
  const reader = new Reader(bytes);
  while (reader.more) {
    const from = reader.position;
    const tag = reader.varint();
    if ((tag & 7) === 2 && Object.values(fields).includes(tag >>> 3)) structs.set(tag >>> 3, reader.bytes());
    else {
      reader.skip(tag);
      rest.push(bytes.subarray(from, reader.position));
    }
  }
  return new Received(of.deserializeBinary(Buffer.concat(rest)), fields, structs);
}

/** What carries property values, a line a call. */
const requests: Readonly<Record<string, readonly [of: Message<unknown>, fields: Fields]>> = {
  checkConfig: [pb.CheckRequest, { news: 3 }],
  check: [pb.CheckRequest, { olds: 2, news: 3 }],
  diff: [pb.DiffRequest, { olds: 3, news: 4, oldInputs: 6 }],
  create: [pb.CreateRequest, { properties: 2 }],
  read: [pb.ReadRequest, { properties: 3, inputs: 4 }],
  update: [pb.UpdateRequest, { olds: 3, news: 4, oldInputs: 8 }],
  delete: [pb.DeleteRequest, { properties: 3, oldInputs: 5 }],
};

/** The SDK's service, but for how those calls are read and answered. */
export const service: ServiceDefinition = Object.fromEntries(
  Object.entries(providerGrpc.ResourceProviderService as unknown as ServiceDefinition).map(([name, method]) => {
    const own = requests[name];
    if (!own) return [name, method];
    const [of, fields] = own;
    return [
      name,
      {
        ...method,
        requestDeserialize: (bytes: Buffer) => received(bytes, of, fields),
        responseSerialize: (answer: Answered) => answerBytes(answer),
      },
    ];
  }),
);
