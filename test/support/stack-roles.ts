// Roles' parameters as the tests of the stack file know them: one of each kind of field, independent of the real roles.
import { z } from "zod";
import { targets } from "../../components/targets/targets.ts";
import { EnvName, Identifier, Port, PrivateKey, SecretText, ServerRef } from "../../spec/scalars.ts";
import type { Choices, RoleSchemas } from "../../spec/spec.ts";

export const roles: RoleSchemas = {
  base: z.strictObject({}),
  app: z.strictObject({ env: z.record(EnvName, z.string()).default({}) }),
  nginx: z.strictObject({ listen: Port.default(80), upstreams: z.record(Identifier, z.array(ServerRef)).default({}) }),
  mysql: z.strictObject({
    rootPassword: SecretText.optional(),
    users: z.record(Identifier, z.strictObject({ password: SecretText })).default({}),
    settings: z
      .strictObject({ max_connections: z.int().min(1).optional(), innodb_flush_method: z.enum(["O_DIRECT", "fsync"]).optional() })
      .default({}),
  }),
  site: z.strictObject({ name: Identifier, tls: z.boolean().default(false), key: PrivateKey.optional() }),
};

export const choices: Choices = { roles, targets };
