// Who may take a role: the job of a workflow on GitHub, by its token and its protected environment, or principals of another account.
import type { Worker } from "./policies.ts";

export type Trusted =
  /** `owner/repository`. */
  | { readonly repository: string; readonly persona: Worker }
  /** An account, or the ARN of a role or user in it. */
  | { readonly principal: string; readonly externalId?: string | undefined };

/** The environments of .github/workflows: a repository's settings say which branches and persons they take. */
export const environments: Readonly<Record<Worker, string>> = { look: "preview", operator: "up", teardown: "reap" };

const issuer = "token.actions.githubusercontent.com";

/** The document of `aws iam create-role --assume-role-policy-document`. */
export function trustOf(account: string, trusted: Trusted): object {
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", ...("repository" in trusted ? ofGitHub(account, trusted) : ofAccount(trusted)) }],
  };
}

/** By the whole subject: a pattern with a star would let in every branch, or a fork's. */
const ofGitHub = (account: string, { repository, persona }: Extract<Trusted, { repository: string }>) => ({
  Action: "sts:AssumeRoleWithWebIdentity",
  Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${issuer}` },
  Condition: {
    StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com", [`${issuer}:sub`]: `repo:${repository}:environment:${environments[persona]}` },
  },
});

const ofAccount = ({ principal, externalId }: Extract<Trusted, { principal: string }>) => ({
  Action: "sts:AssumeRole",
  Principal: { AWS: /^\d{12}$/.test(principal) ? `arn:aws:iam::${principal}:root` : principal },
  ...(externalId !== undefined && { Condition: { StringEquals: { "sts:ExternalId": externalId } } }),
});

export const oidcProvider = (region: string): string =>
  `aws --region ${region} iam create-open-id-connect-provider --url https://${issuer} --client-id-list sts.amazonaws.com`;
