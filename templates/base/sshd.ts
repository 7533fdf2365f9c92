// /etc/ssh/sshd_config.d/00-fleet.conf: read before the distribution's own, and of several values sshd takes the first.
import { z } from "zod";
import { assignments, conf, ownedBy } from "../conf.ts";

export const Sshd = z.strictObject({
  passwords: z.boolean().default(false).describe("Whether passwords open a session. Off only where the keys are in place and tried."),
  rootLogin: z
    .enum(["no", "prohibit-password", "yes"])
    .default("prohibit-password")
    .describe("Who may log in as root: nobody, by key alone, or by password too."),
  rsaSha1: z.boolean().default(false).describe("Accept signatures of old RSA clients, as the official ISUCON14 servers do."),
  maxSessions: z.int().min(1).default(64).describe("Sessions over one connection."),
});
export type Sshd = z.infer<typeof Sshd>;

const sshdOptions = (sshd: Sshd): Readonly<Record<string, string>> => ({
  PasswordAuthentication: sshd.passwords ? "yes" : "no",
  KbdInteractiveAuthentication: "no",
  PermitRootLogin: sshd.rootLogin,
  UseDNS: "no",
  MaxSessions: String(sshd.maxSessions),
  ...(sshd.rsaSha1 && { PubkeyAcceptedAlgorithms: "+ssh-rsa" }),
});

export const sshdDropIn = (sshd: Sshd): string => conf`
  # ${ownedBy("base", "templates/base/sshd.ts")}
  ${assignments(sshdOptions(sshd), " ")}
`;
