// The names of a team's key pairs in its state: the one by which the fleet comes in, and the one by which its servers reach each other.
export const keyNames = (team: string) => ({ fleet: `${team}-fleet-key`, mesh: `${team}-mesh-key` });
