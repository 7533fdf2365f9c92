/** Protects nothing: practice machines hold no secrets but their own. Every other stack has a passphrase of the team's. */
export const passphrase = "practice";
