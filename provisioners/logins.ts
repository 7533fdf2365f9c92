// How servers that were handed out are logged in to, as the stack file says it. Secrets in it are what `text` makes of their marks.
import type { ServerSpec } from "../spec/spec.ts";

type LoginSpec = Pick<ServerSpec, "address" | "port" | "user" | "password" | "privateKey" | "sudoPassword">;

/** Undefined properties are left out. */
export function login<Text>(name: string, spec: Partial<LoginSpec>, text: (written: string) => Text) {
  const known = (written: string | undefined) => (written ? text(written) : undefined);
  const hidden = { password: known(spec.password), privateKey: known(spec.privateKey), sudoPassword: known(spec.sudoPassword) };
  const given: { readonly [Name in keyof typeof hidden]?: Text } = Object.fromEntries(
    Object.entries(hidden).filter(([, value]) => value !== undefined),
  );
  return { name, address: spec.address ?? "", port: spec.port ?? 22, user: spec.user ?? "root", ...given };
}
