// What a login may try, in order.
import { type Login, ReachError } from "./errors.ts";
import { type AnyAuthMethod, ssh2 } from "./ssh2.ts";

/** The key before the password; nothing that the stack does not give. Asking for "none" first would cost a round trip. */
export function authAttempts({ name, user: username, privateKey, password }: Login): AnyAuthMethod[] {
  const attempts: AnyAuthMethod[] = [];
  if (privateKey !== undefined) {
    const key = ssh2.utils.parseKey(privateKey);
    if (key instanceof Error)
      throw new ReachError(name, "auth", `the private key for \`${username}\` can't be used: ${key.message}`, "never");
    attempts.push({ type: "publickey", username, key: privateKey });
  }
  if (password !== undefined) {
    attempts.push({ type: "password", username, password });
    // A server may ask for the same password in this way; an answer is never shown to a prompt that echoes.
    attempts.push({
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(({ echo }) => (echo ? "" : password))),
    });
  }
  if (attempts.length === 0)
    throw new ReachError(name, "auth", `neither key nor password is given for \`${username}\``, "never", "add one to the stack file");
  return attempts;
}
